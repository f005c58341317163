"""Line: results."""

import contextlib
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared import instants
from shared.ehr.client import Ehr
from shared.errors import Conflict, FhirError, InvalidResource
from shared.fhir import bundle, codes, heads, lifecycle
from shared.runtime.line import Case, Line
from shared.runtime.line.revision import open_head
from tests.contract.line.support import change, decide, event, head, run, stand, verifier, write
from tests.toy import Model


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
