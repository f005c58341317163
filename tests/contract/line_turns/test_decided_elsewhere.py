"""Line turns: decided elsewhere."""

from dataclasses import replace
from typing import Any

import pytest

from shared.ehr.client import Ehr
from shared.errors import Conflict, InvalidResource
from shared.fhir import bundle
from shared.runtime import devices
from shared.runtime.line import Case, Line
from tests.contract.line.support import change, decide, event, head, run, write
from tests.contract.line_turns.support import TURNS, deny, finalise, naming
from tests.toy import TOY, Model


def test_a_part_that_a_clinician_decided_on_is_kept(ehr: Ehr, line: Line, anna: str) -> None:
    reference = write(ehr, anna, "one two three")
    run(line, event(ehr, reference))
    words = ehr.read(head(ehr, reference).outputs["words"])
    assert words
    ehr.update(words | {"status": "final"}, words["meta"]["versionId"])
    change(ehr, reference, "four words are here")
    assert run(line, event(ehr, reference)) == "result"
    kept, new = (
        ehr.read(f"Observation/{words['id']}"),
        ehr.read(head(ehr, reference).outputs["words"]),
    )
    assert kept and new and (kept["status"], kept["valueQuantity"]["value"]) == ("final", 3)
    assert (new["status"], new["valueQuantity"]["value"]) == ("preliminary", 4)
    report = ehr.read(head(ehr, reference).outputs["report"])
    assert report and f"Observation/{new['id']}" in [r["reference"] for r in report["result"]]


def test_a_decided_part_that_still_holds_is_referred_to(ehr: Ehr, line: Line, anna: str) -> None:
    reference = write(ehr, anna, "one two three")
    run(line, event(ehr, reference))
    words = ehr.read(head(ehr, reference).outputs["words"])
    assert words
    ehr.update(words | {"status": "final"}, words["meta"]["versionId"])
    change(ehr, reference, "three other words")
    assert run(line, event(ehr, reference)) == "result"
    assert head(ehr, reference).outputs["words"] == f"Observation/{words['id']}"


def test_what_is_not_ours_any_more_leaves_no_stale_draft(ehr: Ehr, line: Line, anna: str) -> None:
    reference = write(ehr, anna, "x y z")
    run(line, event(ehr, reference))
    elsewhere = replace(line, service=replace(TOY, gather=lambda *_: None))
    assert run(elsewhere, event(ehr, reference)) == "withdrawn"
    report = ehr.read(head(ehr, reference).outputs["report"])
    assert report and report["status"] == "cancelled"
    assert run(elsewhere, event(ehr, reference)) == "not_ours"


def test_new_content_that_fails_under_a_signature_is_visible(
    ehr: Ehr, line: Line, anna: str
) -> None:
    reference = write(ehr, anna, "signed text")
    run(line, event(ehr, reference))
    decide(ehr, head(ehr, reference), "signed")
    change(ehr, reference, "another text")
    line.fail(event(ehr, reference), "Failed: MemoryError.")
    found = head(ehr, reference)
    assert (found.revision, found.outcome) == (2, "failed")


@pytest.mark.parametrize("detour", ["denied", "failed", "changed"])
def test_what_was_signed_is_not_drawn_again_after_a_detour(
    ehr: Ehr, line: Line, anna: str, detour: str
) -> None:
    reference = write(ehr, anna, "signed text")
    run(line, event(ehr, reference))
    decide(ehr, head(ehr, reference), "signed")
    if detour == "denied":
        refused = ehr.read(deny(ehr, anna))
        assert run(line, event(ehr, reference)) == "not_analysed"
        assert refused
        ehr.update(refused | {"status": "inactive"}, refused["meta"]["versionId"])
    elif detour == "failed":
        line.fail(event(ehr, reference), "Failed: MemoryError.")
    else:
        change(ehr, reference, "another text for a while")
        assert run(line, event(ehr, reference)) == "result"
        change(ehr, reference, "signed text")
    assert run(line, event(ehr, reference)) == "withdrawn"
    assert run(line, event(ehr, reference)) == "unchanged"
    reports = naming(ehr, "DiagnosticReport", anna)
    assert [r["status"] for r in reports if r["status"] == "preliminary"] == []
    assert head(ehr, reference).outcome == "cancelled"


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
@pytest.mark.parametrize("turn", TURNS)
def test_a_report_decided_elsewhere_keeps_its_findings(
    ehr: Ehr, line: Line, anna: str, turn: str, status: str
) -> None:
    """The head still waits when the EHR's own client makes the report final: it is closed first,
    and the next revision says what came after.
    """
    reference = write(ehr, anna, "one two three")
    run(line, event(ehr, reference))
    first = head(ehr, reference)
    finalise(ehr, reference, status)
    if turn == "denied":
        deny(ehr, anna)
    elif turn != "failed":
        change(
            ehr,
            reference,
            "broken since",
            **({"status": "superseded"} if turn == "withdrawn" else {}),
        )
    told = event(ehr, reference)

    def settle() -> str:
        return line.fail(told, "Failed: MemoryError.") if turn == "failed" else run(line, told)

    with pytest.raises(Conflict):
        settle()
    closed = head(ehr, reference)
    assert (closed.reference, closed.outcome, closed.signed) == (first.reference, "completed", True)
    outcome = settle()
    found = head(ehr, reference)
    assert (found.revision, found.outcome, found.task["statusReason"]["text"]) == (2, *TURNS[turn])
    assert [
        (ehr.read(r) or {})["status"] for r in (first.outputs["words"], first.outputs["report"])
    ] == ["preliminary", status]
    assert settle() == (outcome if turn == "failed" else "unchanged")
    assert head(ehr, reference).version == found.version


def test_a_report_rejected_elsewhere_says_nothing_more_when_its_input_goes(
    ehr: Ehr, line: Line, anna: str
) -> None:
    reference = write(ehr, anna, "one two three")
    run(line, event(ehr, reference))
    finalise(ehr, reference, "cancelled")
    change(ehr, reference, "one two three", status="superseded")
    with pytest.raises(Conflict):
        run(line, event(ehr, reference))
    assert run(line, event(ehr, reference)) == "unchanged"
    found = head(ehr, reference)
    assert (found.revision, found.outcome, found.signed) == (1, "completed", False)


def test_a_service_can_write_nothing_final_and_nothing_unlabelled(
    ehr: Ehr, line: Line, anna: str
) -> None:
    reference = write(ehr, anna, "x y")
    for changes in ({"status": "final"}, {"meta": {}}, {"status": "final", "meta": {}}):

        def resources(inputs: Any, findings: Any, pen: Any, changes: Any = changes) -> Any:
            return [
                replace(d, resource=d.resource | changes)
                for d in TOY.resources(inputs, findings, pen)
            ]

        with pytest.raises(InvalidResource):
            run(replace(line, service=replace(TOY, resources=resources)), event(ehr, reference))
    assert naming(ehr, "DiagnosticReport", anna) == []


def test_two_devices_of_one_version_do_not_stop_the_service(
    ehr: Ehr, line: Line, anna: str
) -> None:
    card = ehr.create(devices.card_document(Model().card, "2026-01-01T00:00:00Z")).reference
    for _ in range(2):
        ehr.create(devices.device(Model().card, card))
    assert run(line, event(ehr, write(ehr, anna, "hello there"))) == "result"


def test_a_result_that_stands_survives_an_input_that_does_not_come(
    ehr: Ehr, line: Line, anna: str
) -> None:
    reference = write(ehr, anna, "pixels that were archived later")
    run(line, event(ehr, reference))
    assert line.give_up_waiting(event(ehr, reference)) == "unchanged"
    assert line.give_up_waiting(event(ehr, write(ehr, anna, "not yet"))) == "not_analysed"


def test_the_guard_reads_the_label_off_every_kind(ehr: Ehr, line: Line, anna: str) -> None:
    taken = line.take(event(ehr, write(ehr, anna, "z")))
    assert isinstance(taken, Case)
    with pytest.raises(InvalidResource):
        bundle.checked(
            [
                bundle.post(
                    {"resourceType": "Observation", "status": "final", "code": {"text": "x"}},
                    "urn:uuid:1b0a6f7e-0000-4000-8000-000000000001",
                )
            ]
        )
