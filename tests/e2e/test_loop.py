"""End to end, with everything that can happen to it: the same story on the embedded log and on
Apache Kafka.

Five patients, shuffled and doubled events, broken inputs, a denial, a withdrawal, an update; every
service killed, the EHR away, the broker killed. Then: every (service, event) ended in exactly one
visible outcome, and nothing moves any more.
"""

import json
import random
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services import catalogue
from services.load.patient import load_patient
from shared.answers import Answer, Head
from shared.fhir import codes
from shared.fhir.check import check
from shared.json import Json
from shared.runtime import dead_letters
from shared.runtime.loop import group_of
from shared.stream.base import EVENTS_TOPIC, Message
from tests.broker import Broker
from tests.contract.test_line import change, consent
from tests.e2e.clinic import Clinic, until
from tests.e2e.patients import CANARY, write_patients
from tests.hl7 import Validate
from tests.peers import sekmet

pytestmark = [pytest.mark.timeout(900), pytest.mark.kafka]
AWAY_SEC = 20
QUIET_SEC = 60
POISON = b"\x00\x01 this is no event"


class Story:
    """What was done, and where things are."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic, self.inputs = clinic, dict[str, dict[str, str]]()
        self.references: list[str] = []

    def load(self, name: str, folder: Any) -> None:
        """One patient's files; a denial stands before them."""
        if name == "denies":
            self._deny_first(folder)
        loaded = load_patient(folder, self.clinic.settings, self.clinic.ehr)
        by_kind = {"Patient": "patient", "ImagingStudy": "imaging"}
        files = {"genome.vcf": "genomics", "note.txt": "notes"}
        self.inputs[name] = {
            files.get(i.file) or by_kind.get(i.reference.split("/")[0], i.reference): i.reference
            for i in loaded
        }
        self.references += [i.reference for i in loaded]

    def _deny_first(self, folder: Any) -> None:
        patient_only = folder.parent / "first"
        patient_only.mkdir()
        raw = json.loads((folder / "patient.json").read_text())
        raw["entry"] = [e for e in raw["entry"] if e["resource"]["resourceType"] == "Patient"]
        (patient_only / "patient.json").write_text(json.dumps(raw))
        [patient] = load_patient(patient_only, self.clinic.settings, self.clinic.ehr)
        self.clinic.ehr.create(consent(patient.reference, {"provision": [{"type": "deny"}]}))

    def head(self, service: str, name: str) -> Head | None:
        """The head of a service's answer about a patient's input; never two of one revision."""
        reference = self.inputs[name]["patient" if service == "treatment" else service]
        heads = self.clinic.ehr.heads(Answer(service, reference))
        assert len({h.revision for h in heads}) == len(heads)
        return max(heads, key=lambda h: h.revision, default=None)

    def outcome(self, service: str, name: str) -> str | None:
        head = self.head(service, name)
        return head.outcome if head else None

    def settled(self) -> bool:
        """No lag, the sweep is past the last write, every plan holds its reports."""
        return self.clinic.lag() == 0 and not any(
            self.clinic.patient([r for k, r in inputs.items()]).missing()
            for name, inputs in self.inputs.items()
            if name != "denies"
        )


@pytest.fixture(scope="module", params=["sqlite", "kafka"])
def story(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """The story is told once for each event log; the tests below look at how it ended."""
    folder = tmp_path_factory.mktemp(request.param)
    broker: Broker | None = (
        request.getfixturevalue("kafka_broker") if request.param == "kafka" else None
    )
    with sekmet(folder / "ehr") as ehr:
        clinic = Clinic(folder, ehr, broker)
        try:
            yield tell(Story(clinic), folder)
        finally:
            clinic.close()


def tell(story: Story, folder: Any) -> Story:
    clinic, patients = story.clinic, write_patients(folder / "patients")
    clinic.start()
    for name in ("healthy", "film", "denies"):
        story.load(name, patients[name])
    assert until(lambda: story.outcome("genomics", "healthy") == "requested", 120), (
        "the first result"
    )
    for name in ("genome", "changes"):
        story.load(name, patients[name])
    assert until(lambda: clinic.lag() > 0, 60), "something to be in the middle of"
    for service in catalogue.service_names():
        clinic.kill(service)
    clinic.start()
    scatter(clinic)
    assert until(lambda: story.outcome("notes", "changes") == "requested", 180), (
        "a result after every service was killed"
    )
    change_and_withdraw(story)
    clinic.sekmet.stop()
    if clinic.broker:
        clinic.broker.kill()
    clinic.kill("genomics")
    time.sleep(AWAY_SEC)
    clinic.sekmet.start()
    if clinic.broker:
        clinic.broker.start()
    clinic.start("genomics")
    assert until(story.settled, 240), why(story)
    return story


def scatter(clinic: Clinic) -> None:
    """Every record so far twice more, shuffled, and one that is no event."""
    sink = clinic.log.sink()
    records = list(clinic.log.scan(EVENTS_TOPIC)) * 2
    random.Random(3).shuffle(records)
    messages = [Message(r.key, r.value, r.headers) for r in records]
    sink.send(EVENTS_TOPIC, [*messages, Message(b"Patient/poison", POISON)], 30)
    sink.close()


def change_and_withdraw(story: Story) -> None:
    """The note of one patient gets another text; the genome of the same is entered in error."""
    ehr, inputs = story.clinic.ehr, story.inputs["changes"]
    change(
        ehr,
        inputs["notes"],
        "History: hypertension. Medications: warfarin, ibuprofen. The patient was seen for a "
        "routine visit and is doing well today.",
    )
    genome = ehr.read(inputs["genomics"])
    assert genome
    ehr.update(genome | {"status": "entered-in-error"}, genome["meta"]["versionId"])


def why(story: Story) -> str:
    parts = [f"lag {story.clinic.lag()}"]
    for name, inputs in story.inputs.items():
        parts += [
            f"{name}: {thing}" for thing in story.clinic.patient(list(inputs.values())).missing()
        ]
    return "; ".join(parts)


EXPECTED = {
    "healthy": {
        "imaging": "requested",
        "genomics": "requested",
        "notes": "requested",
        "treatment": "requested",
    },
    "film": {
        "imaging": "rejected",
        "genomics": "requested",
        "notes": "requested",
        "treatment": "requested",
    },
    "genome": {
        "imaging": "requested",
        "genomics": "rejected",
        "notes": "requested",
        "treatment": "requested",
    },
    "denies": {
        "imaging": "rejected",
        "genomics": "rejected",
        "notes": "rejected",
        "treatment": "rejected",
    },
    "changes": {
        "imaging": "requested",
        "genomics": "cancelled",
        "notes": "requested",
        "treatment": "requested",
    },
}


def test_every_answer_has_exactly_one_outcome(story: Story) -> None:
    assert {
        name: {s: story.outcome(s, name) for s in catalogue.analyser_names()} for name in EXPECTED
    } == EXPECTED


def test_there_is_no_head_beyond_these(story: Story) -> None:
    tasks = [
        t
        for t in story.clinic.ehr.search("Task", {"_count": "500"})
        if any(i.get("system") == codes.REVISION for i in t.get("identifier", []))
    ]
    assert len(tasks) == sum(map(len, EXPECTED.values()))
    assert not [t for t in tasks if t["status"] in ("draft", "failed")]


def test_there_is_one_report_per_answer(story: Story) -> None:
    heads = [story.head(s, n) for n in EXPECTED for s in catalogue.analyser_names()]
    focused = sorted(h.outputs["report"] for h in heads if h and "report" in h.outputs)
    assert (
        sorted(
            f"{r['resourceType']}/{r['id']}"
            for kind in ("DiagnosticReport", "CarePlan")
            for r in story.clinic.ehr.search(kind, {"_count": "500"})
        )
        == focused
    )


def test_the_undecodable_record_is_in_each_dead_letter_list_once(story: Story) -> None:
    for service in catalogue.analyser_names():
        assert [letter.value for letter in dead_letters.letters(story.clinic.log, service)] == [
            POISON
        ], service


def test_the_changed_note_counts_and_the_old_text_is_gone(story: Story) -> None:
    head = story.head("notes", "changes")
    assert head
    drugs = [
        r
        for ref in head.outputs.values()
        if (r := story.clinic.ehr.read(ref))
        and codes.has_code(r.get("code"), codes.LOINC, "10160-0")
    ]
    named = {
        codes.first_code(d["valueCodeableConcept"], codes.RXNORM)
        for d in drugs
        if d["status"] == "preliminary"
    }
    assert {"11289", "5640"} <= named and "32968" not in named


def test_a_replay_of_the_whole_topic_writes_nothing(story: Story) -> None:
    clinic = story.clinic
    before = clinic.versions()
    clinic.stop(*catalogue.analyser_names())
    for service in catalogue.analyser_names():
        assert until(lambda s=service: reset(clinic, s), 30)  # type: ignore[misc]
    assert clinic.lag() > 0
    clinic.start(*catalogue.analyser_names())
    assert until(lambda: clinic.lag() == 0, 180)
    assert clinic.versions() == before
    letters = [len(dead_letters.letters(clinic.log, s)) for s in catalogue.analyser_names()]
    assert letters == [1] * len(letters)


def reset(clinic: Clinic, service: str) -> bool:
    try:
        clinic.log.group_reset(EVENTS_TOPIC, group_of(service))
    except Exception:  # Kafka refuses while it still counts a member that has just left
        return False
    return True


def test_a_signed_report_is_final_with_its_signer_and_a_rerun_leaves_it(story: Story) -> None:
    clinic, head = story.clinic, story.head("genomics", "healthy")
    assert head
    sign(clinic, head)
    report = clinic.ehr.read(head.outputs["report"])
    assert report and report["status"] == "final"
    verifiers = [
        p
        for p in clinic.ehr.search("Provenance", {"target": head.outputs["report"]})
        if codes.has_code(p["agent"][0]["type"], codes.PROVENANCE_AGENT, "verifier")
    ]
    assert [p["agent"][0]["who"]["reference"] for p in verifiers] == [clinic.practitioner]
    records = list(clinic.log.scan(EVENTS_TOPIC))
    sink = clinic.log.sink()
    sink.send(EVENTS_TOPIC, [Message(r.key, r.value, r.headers) for r in records], 30)
    sink.close()
    assert until(lambda: clinic.lag() == 0 and story.settled(), 120)
    again = clinic.ehr.read(head.outputs["report"])
    assert again == report
    plan = story.head("treatment", "healthy")
    assert plan and plan.revision == 1, "a bare signature opens nothing"


def sign(clinic: Clinic, head: Head) -> None:
    """Through the page, as a clinician's browser would."""
    address = f"/results/{head.reference.removeprefix('Task/')}"
    with httpx.Client(
        base_url=f"http://127.0.0.1:{clinic.ports['review']}", follow_redirects=True, timeout=60
    ) as browser:
        login = browser.get("/login")
        browser.post(
            "/login",
            data={"name": "tester", "password": clinic.secret, "csrf": hidden(login.text, "csrf")},
        ).raise_for_status()
        page = browser.get(address)
        page.raise_for_status()
        form = {
            "action": "sign",
            "reviewed": "yes",
            "csrf": hidden(page.text, "csrf"),
            "stamp": hidden(page.text, "stamp"),
        }
        browser.post(f"{address}/decision", data=form).raise_for_status()


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    return page.split(f'name="{name}" value="')[1].split('"', maxsplit=1)[0]


def test_everything_written_is_valid(story: Story, hl7_errors: Validate) -> None:
    """fhir.resources, our own required codes and targets, and HL7's own validator, over all that
    stands.
    """
    resources = list(story.clinic.history())
    assert len(resources) > 200
    for resource in resources:
        check(resource)
    entries = [
        {"fullUrl": f"urn:uuid:{uuid4()}", "resource": _without_backport(r)} for r in resources
    ]
    found = [
        e
        for i in range(0, len(entries), 50)
        for e in hl7_errors(
            {"resourceType": "Bundle", "type": "collection", "entry": entries[i : i + 50]}
        )
    ]
    assert found == []


def _without_backport(resource: Json) -> Json:
    """A Subscription is held to R4 itself: the Backport guide's profile is in no package that the
    validator carries, and it calls that an error.
    """
    if resource["resourceType"] != "Subscription":
        return resource
    return resource | {"meta": {k: v for k, v in resource["meta"].items() if k != "profile"}}


def test_no_log_and_no_metric_names_a_patient(story: Story) -> None:
    said = story.clinic.said()
    assert "careloop_events_total" in said
    assert not [
        word for word in (CANARY, "Lindqvist", "Astrid", "1940-03-05", "19400305") if word in said
    ]


def test_a_minute_after_settling_nothing_has_moved(story: Story) -> None:
    before = story.clinic.versions()
    time.sleep(QUIET_SEC)
    assert story.clinic.versions() == before
