"""Line: withdrawals."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.answers import Answer
from shared.ehr.client import Ehr
from shared.errors import Conflict, FhirError
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.runtime.line import Case, Line
from tests.contract.line.support import change, consent, decide, event, head, run, write


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
