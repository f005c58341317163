"""The straight line against three EHRs: what stands in the record after each story."""

import contextlib
import random
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared import instants
from shared.answers import Answer
from shared.ehr.client import Ehr, open_ehr
from shared.errors import Conflict, FhirError, InvalidResource
from shared.events import ResourceEvent
from shared.fhir import bundle, codes, heads, lifecycle
from shared.fhir.summary import event_of
from shared.runtime.line import Case, Line, at_ehr
from shared.runtime.line.revision import open_head
from shared.settings import Settings
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.peers import real_hapi, sekmet
from tests.toy import TOY, Model, note


@pytest.fixture(scope="module", params=["fake-sekmet", "fake-hapi", "sekmet", *real_hapi()])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sekmet":
        with sekmet(tmp_path_factory.mktemp("sekmet")) as peer:
            yield peer.base
    elif request.param in real_hapi():
        yield request.param
    else:
        with FakeEhr(SEKMET if request.param == "fake-sekmet" else HAPI) as fake:
            yield fake.base


@pytest.fixture
def ehr(base: str, tmp_path: Path) -> Iterator[Ehr]:
    client = open_ehr(Settings(fhir_url=base, state_dir=tmp_path))
    yield client
    client.close()


@pytest.fixture
def line(ehr: Ehr, base: str, tmp_path: Path) -> Line:
    return Line(TOY, ehr, Model(), Settings(fhir_url=base, state_dir=tmp_path), at_ehr(ehr))


@pytest.fixture
def patient(ehr: Ehr) -> str:
    return ehr.create(
        {"resourceType": "Patient", "gender": "female", "birthDate": "1940-03-05"}
    ).reference


def write(ehr: Ehr, patient: str, text: str) -> str:
    return ehr.create(note(patient, text)).reference


def event(ehr: Ehr, reference: str) -> ResourceEvent:
    resource = ehr.read(reference)
    assert resource is not None
    return event_of(resource, "update")


def run(line: Line, told: ResourceEvent) -> str:
    taken = line.take(told, only_deletes=False)
    if not isinstance(taken, Case):
        return taken
    [findings] = line.service.analyze([taken.inputs], line.model)
    return line.put(taken, findings)


def head(ehr: Ehr, reference: str) -> Any:
    found = ehr.head(Answer("toy", reference))
    assert found is not None
    return found


def change(ehr: Ehr, reference: str, text: str, **elements: Any) -> None:
    resource = ehr.read(reference)
    assert resource is not None
    ehr.update(
        resource | {"content": note("Patient/x", text)["content"]} | elements,
        resource["meta"]["versionId"],
    )


def stand(ehr: Ehr, found: Any) -> dict[str, dict[str, Any]]:
    return {
        key: resource
        for key, reference in found.outputs.items()
        if (resource := ehr.read(reference))
    }


def decide(ehr: Ehr, found: Any, decision: str) -> None:
    """What review does, in the least words."""
    doctor = ehr.create({"resourceType": "Practitioner"}).reference
    stage: lifecycle.Stage = "signed" if decision == "signed" else "rejected"
    task = heads.decided(found, decision, owner=doctor, reason=None, now=instants.now())
    entries = [
        bundle.put(lifecycle.at_stage(r, stage), r["meta"]["versionId"])
        for r in stand(ehr, found).values()
    ]
    ehr.transact(
        bundle.transaction(
            found,
            task,
            [
                *entries,
                bundle.post(verifier(doctor, found.outputs.values()), f"urn:uuid:{uuid4()}"),
            ],
        )
    )


def verifier(who: str, targets: Iterable[str]) -> dict[str, Any]:
    agent = {"type": codes.concept(codes.PROVENANCE_AGENT, "verifier"), "who": codes.reference(who)}
    return {
        "resourceType": "Provenance",
        "target": [codes.reference(t) for t in targets],
        "recorded": instants.now(),
        "agent": [agent],
    }


def test_nothing_becomes_final_without_a_human(line: Line, ehr: Ehr, patient: str) -> None:
    reference = write(ehr, patient, "final by itself")
    run(line, event(ehr, reference))
    found = head(ehr, reference)
    task = heads.decided(found, "signed", owner=None, reason=None, now=instants.now())
    final = [
        bundle.put(lifecycle.at_stage(r, "signed"), r["meta"]["versionId"])
        for r in stand(ehr, found).values()
    ]
    device = verifier("Device/1", found.outputs.values())
    for entries in (final, [*final, bundle.post(device, f"urn:uuid:{uuid4()}")]):
        with pytest.raises(InvalidResource):
            bundle.transaction(found, task, entries)


def test_a_result_waits_with_all_that_makes_it_accountable(
    line: Line, ehr: Ehr, patient: str
) -> None:
    reference = write(ehr, patient, "three words here")
    assert run(line, event(ehr, reference)) == "result"
    found = head(ehr, reference)
    assert (found.outcome, found.revision, found.task["for"]["reference"]) == (
        "requested",
        1,
        patient,
    )
    standing = stand(ehr, found)
    assert (
        standing["report"]["status"] == "preliminary"
        and standing["report"]["conclusion"] == "3 words"
    )
    assert all(
        codes.has_code(r["meta"]["security"], codes.OBSERVATION_VALUE, "AIAST")
        for r in standing.values()
    )
    device = ehr.read(standing["words"]["device"]["reference"])
    assert device and device["version"][0]["value"] == line.model.card.digest
    provenances = list(ehr.search("Provenance", {"target": found.outputs["report"]}))
    assert [p["entity"][0]["what"]["identifier"]["value"] for p in provenances] == [
        f"{reference}/_history/1"
    ]


def test_an_input_deleted_while_it_is_analysed_ends_withdrawn(
    line: Line, ehr: Ehr, patient: str
) -> None:
    """HAPI refuses a result that refers to what is gone: a fresh start, no dead letter.

    Others take it, and the delete's own event retracts it.
    """
    reference = write(ehr, patient, "soon gone")
    told = event(ehr, reference)
    case = line.take(told)
    assert isinstance(case, Case)
    [findings] = line.service.analyze([case.inputs], line.model)
    httpx.delete(f"{ehr.base}/{reference}", timeout=60).raise_for_status()
    with contextlib.suppress(Conflict):
        assert line.put(case, findings) == "result"
    assert run(line, told) == "withdrawn"
    found = head(ehr, reference)
    assert found.outcome == "cancelled"
    assert {lifecycle.status_of(r) for r in stand(ehr, found).values()} <= {"cancelled"}


def test_a_refusal_with_every_input_in_place_is_a_refusal(
    line: Line, ehr: Ehr, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = write(ehr, patient, "still there")
    case = line.take(event(ehr, reference))
    assert isinstance(case, Case)
    [findings] = line.service.analyze([case.inputs], line.model)

    def refuse(self: Ehr, bundle: Any) -> Any:
        raise FhirError(422, "POST ")

    opened = replace(case, head=open_head(line, case, patient))
    line.register.device(line.model.card)
    line.register.card(line.model.card)
    line.register.service("toy")
    monkeypatch.setattr(Ehr, "transact", refuse)
    with pytest.raises(FhirError):
        line.put(opened, findings)


def test_a_replay_writes_nothing(line: Line, ehr: Ehr, patient: str) -> None:
    reference = write(ehr, patient, "as it was")
    told = event(ehr, reference)
    run(line, told)
    before = head(ehr, reference).version
    assert [run(line, told) for _ in range(3)] == ["unchanged"] * 3
    assert head(ehr, reference).version == before


def test_a_changed_input_supersedes_the_draft_in_place(line: Line, ehr: Ehr, patient: str) -> None:
    reference = write(ehr, patient, "a note that is longer than five words")
    run(line, event(ehr, reference))
    first = head(ehr, reference)
    change(ehr, reference, "now short")
    assert run(line, event(ehr, reference)) == "result"
    second = head(ehr, reference)
    assert (second.reference, second.revision, second.outputs["report"]) == (
        first.reference,
        1,
        first.outputs["report"],
    )
    standing = stand(ehr, second)
    assert standing["report"]["conclusion"] == "2 words" and set(second.outputs) == {
        "words",
        "report",
    }
    forgotten = ehr.read(first.outputs["long"])
    assert forgotten and forgotten["status"] == "cancelled"


def test_a_signed_result_is_never_overwritten(line: Line, ehr: Ehr, patient: str) -> None:
    reference = write(ehr, patient, "to be signed")
    run(line, event(ehr, reference))
    decide(ehr, head(ehr, reference), "signed")
    signed = head(ehr, reference)
    assert run(line, event(ehr, reference)) == "unchanged"
    assert run(replace(line, model=Model("2.0.0")), event(ehr, reference)) == "unchanged", (
        "a new model alone reopens nothing that was signed"
    )
    change(ehr, reference, "another text")
    assert run(line, event(ehr, reference)) == "result"
    second = head(ehr, reference)
    assert (second.revision, second.outcome) == (2, "requested")
    old, new = ehr.read(signed.outputs["report"]), ehr.read(second.outputs["report"])
    assert (
        old
        and new
        and (old["status"], old["conclusion"], new["status"], new["conclusion"])
        == ("final", "3 words", "preliminary", "2 words")
    )
    [provenance] = ehr.search("Provenance", {"target": second.outputs["report"]})
    assert {"role": "revision", "reference": signed.outputs["report"]} in [
        {"role": e["role"], "reference": e["what"]["reference"]} for e in provenance["entity"]
    ]


def test_a_rejected_result_stays_rejected_until_the_input_changes(
    line: Line, ehr: Ehr, patient: str
) -> None:
    reference = write(ehr, patient, "to be rejected")
    run(line, event(ehr, reference))
    decide(ehr, head(ehr, reference), "rejected")
    assert run(line, event(ehr, reference)) == "unchanged"
    assert head(ehr, reference).outcome == "completed"


def test_what_another_client_made_final_is_respected(line: Line, ehr: Ehr, patient: str) -> None:
    reference = write(ehr, patient, "signed in the EHR")
    run(line, event(ehr, reference))
    report = ehr.read(head(ehr, reference).outputs["report"])
    assert report
    ehr.update(report | {"status": "final"}, report["meta"]["versionId"])
    change(ehr, reference, "changed afterwards")
    with pytest.raises(Conflict):
        run(line, event(ehr, reference))
    assert head(ehr, reference).task["status"] == "completed"
    still = ehr.read(f"DiagnosticReport/{report['id']}")
    assert still and still["status"] == "final" and still["conclusion"] == "4 words"
    assert run(line, event(ehr, reference)) == "result", (
        "the change still gets its answer, as the next revision"
    )
    assert head(ehr, reference).revision == 2


def test_not_analysed_says_why_once_and_heals(line: Line, ehr: Ehr, patient: str) -> None:
    reference = write(ehr, patient, "broken")
    assert run(line, event(ehr, reference)) == "not_analysed"
    found = head(ehr, reference)
    assert (found.outcome, found.task["statusReason"]["text"]) == (
        "rejected",
        "The note can't be read.",
    )
    assert run(line, event(ehr, reference)) == "unchanged"
    change(ehr, reference, "legible now")
    assert run(line, event(ehr, reference)) == "result"
    assert (
        head(ehr, reference).outcome == "requested"
        and "statusReason" not in head(ehr, reference).task
    )


def test_a_draft_whose_input_breaks_is_taken_back(line: Line, ehr: Ehr, patient: str) -> None:
    reference = write(ehr, patient, "good at first")
    run(line, event(ehr, reference))
    change(ehr, reference, "broken")
    assert run(line, event(ehr, reference)) == "not_analysed"
    report = ehr.read(head(ehr, reference).outputs["report"])
    assert report and report["status"] == "cancelled"


def test_a_withdrawn_input_takes_its_draft_back_and_may_return(
    line: Line, ehr: Ehr, patient: str
) -> None:
    reference = write(ehr, patient, "entered in error")
    run(line, event(ehr, reference))
    change(ehr, reference, "entered in error", status="entered-in-error")
    assert run(line, event(ehr, reference)) == "withdrawn"
    found = head(ehr, reference)
    report = ehr.read(found.outputs["report"])
    assert found.outcome == "cancelled" and report and report["status"] == "cancelled"
    assert run(line, event(ehr, reference)) == "unchanged"
    change(ehr, reference, "entered in error", status="current")
    assert run(line, event(ehr, reference)) == "result"
    assert head(ehr, reference).outcome == "requested"


def test_withdrawing_under_a_signature_leaves_the_signature(
    line: Line, ehr: Ehr, patient: str
) -> None:
    reference = write(ehr, patient, "signed then withdrawn")
    run(line, event(ehr, reference))
    decide(ehr, head(ehr, reference), "signed")
    signed = head(ehr, reference)
    change(ehr, reference, "signed then withdrawn", status="superseded")
    assert run(line, event(ehr, reference)) == "withdrawn"
    report = ehr.read(signed.outputs["report"])
    found = head(ehr, reference)
    assert (
        report
        and report["status"] == "final"
        and (found.revision, found.outcome) == (2, "cancelled")
    )
    assert run(line, event(ehr, reference)) == "unchanged"


def consent(patient: str, provision: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": codes.concept(
            "http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"
        ),
        "category": [codes.concept(codes.LOINC, "59284-0")],
        "patient": codes.reference(patient),
        "policyRule": codes.concept(codes.V3_ACT_CODE, "OPTIN"),
        "provision": provision,
    }


def test_a_denial_is_honoured_before_the_fetch_and_before_the_write(
    line: Line, ehr: Ehr, patient: str
) -> None:
    early, late = write(ehr, patient, "one two"), write(ehr, patient, "three four")
    taken = line.take(event(ehr, late))
    assert isinstance(taken, Case)
    ehr.create(
        consent(
            patient,
            {
                "provision": [
                    {"type": "deny", "purpose": [codes.coding(codes.V3_ACT_REASON, "TREAT")]}
                ]
            },
        )
    )
    assert run(line, event(ehr, early)) == "not_analysed"
    [findings] = line.service.analyze([taken.inputs], line.model)
    assert line.put(taken, findings) == "not_analysed"
    assert {head(ehr, r).outcome for r in (early, late)} == {"rejected"}
    alerts = [
        a
        for a in ehr.search("AuditEvent", {"type": f"{codes.DCM}|110113"})
        if a["entity"][0]["what"]["reference"] == patient
    ]
    assert len(alerts) == 2
    assert run(line, event(ehr, early)) == "unchanged"


def test_a_refusal_looks_whose_the_input_is_now(line: Line, ehr: Ehr, patient: str) -> None:
    """Every server must tell an input's subject when asked for it alone."""
    reference = write(ehr, patient, "filed under another")
    old = event(ehr, reference)
    ehr.create(consent(patient, {"provision": [{"type": "deny"}]}))
    assert run(line, old) == "not_analysed"
    resource = ehr.read(reference)
    other = ehr.create({"resourceType": "Patient", "gender": "male"}).reference
    assert resource
    ehr.update(resource | {"subject": codes.reference(other)}, resource["meta"]["versionId"])
    assert run(line, old) == "result"
    assert head(ehr, reference).task["for"]["reference"] == other


def test_an_old_head_overwrites_nothing(line: Line, ehr: Ehr, patient: str) -> None:
    reference = write(ehr, patient, "raced")
    run(line, event(ehr, reference))
    change(ehr, reference, "raced twice")
    slow, fast = line.take(event(ehr, reference)), line.take(event(ehr, reference))
    assert isinstance(slow, Case) and isinstance(fast, Case)
    assert line.put(fast, line.service.analyze([fast.inputs], line.model)[0]) == "result"
    with pytest.raises((Conflict, FhirError)):
        line.put(slow, line.service.analyze([slow.inputs], line.model)[0])
    assert run(line, event(ehr, reference)) == "unchanged"


def test_eight_writers_at_once_leave_one_result(line: Line, ehr: Ehr, patient: str) -> None:
    reference = write(ehr, patient, "eight at once")
    told, start = event(ehr, reference), threading.Barrier(8)

    def until_settled(_: int) -> str:
        start.wait()
        for _attempt in range(100):
            try:
                return run(line, told)
            except Conflict:
                time.sleep(random.uniform(0, 0.1))
        return "never"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(until_settled, range(8)))
    assert sorted(outcomes) == ["result"] + ["unchanged"] * 7
    assert len(ehr.heads(Answer("toy", reference))) == 1
    assert (
        len(
            list(
                ehr.search("DiagnosticReport", {"patient": patient.split("/")[1]}, subject=patient)
            )
        )
        == 1
    )


def test_a_dead_letter_is_visible_and_mended_by_a_replay(
    line: Line, ehr: Ehr, patient: str
) -> None:
    reference = write(ehr, patient, "was unlucky")
    told = event(ehr, reference)
    line.fail(told, "Failed: MemoryError.")
    assert head(ehr, reference).outcome == "failed"
    assert run(line, told) == "result"
    assert head(ehr, reference).outcome == "requested"


def test_a_delete_of_something_unknown_leaves_no_trace(line: Line, ehr: Ehr) -> None:
    assert line.take(ResourceEvent("DocumentReference/unknown-1", "2", "delete")) == "not_ours"
    assert ehr.head(Answer("toy", "DocumentReference/unknown-1")) is None
