"""What the tests of loop share."""

import json
import random
import time
from typing import Any

import httpx

from services import catalogue
from services.load.patient import load_patient
from shared.answers import Answer, Head
from shared.json import Json
from shared.runtime.loop import group_of
from shared.stream.base import EVENTS_TOPIC, Message
from tests.contract.line.support import change, consent
from tests.e2e.clinic import Clinic, until
from tests.e2e.patients import write_patients

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
    clinic.server.stop()
    if clinic.broker:
        clinic.broker.kill()
    clinic.kill("genomics")
    time.sleep(AWAY_SEC)
    clinic.server.start()
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


def reset(clinic: Clinic, service: str) -> bool:
    try:
        clinic.log.group_reset(EVENTS_TOPIC, group_of(service))
    except Exception:  # Kafka refuses while it still counts a member that has just left
        return False
    return True


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


def _without_backport(resource: Json) -> Json:
    """A Subscription is held to R4 itself: the Backport guide's profile is in no package that the
    validator carries, and it calls that an error.
    """
    if resource["resourceType"] != "Subscription":
        return resource
    return resource | {"meta": {k: v for k, v in resource["meta"].items() if k != "profile"}}
