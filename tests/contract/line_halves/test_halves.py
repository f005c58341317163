"""What a server kept of a refused transaction is taken back; then exactly one result stands."""

import pytest

from shared.answers import Answer
from shared.ehr.client import Ehr
from shared.errors import CareloopError, Conflict, FhirError, Unavailable
from shared.json import Json
from shared.references import local_reference, relative
from shared.runtime.line import Line
from tests.contract.line.support import change, consent, event, head, run, stand
from tests.fakes import FakeEhr

DRAFTS = {"preliminary", "partial"}
KINDS = ("DiagnosticReport", "Observation")


def standing(fake: FakeEhr) -> list[Json]:
    """What a clinician could sign."""
    return [r for kind in KINDS for r in fake.resources(kind) if r["status"] in DRAFTS]


def authored(fake: FakeEhr) -> set[str]:
    """What a Provenance stands behind: one that was not taken back."""
    return {
        relative(target["reference"])
        for provenance in fake.resources("Provenance")
        if "activity" not in provenance
        for target in provenance["target"]
    }


def begun(line: Line, note: str) -> str | None:
    """What the head says; None where there is none yet."""
    found = line.ehr.head(Answer("toy", note))
    return found.outcome if found else None


@pytest.mark.parametrize(
    "refusal",
    [
        (429, Unavailable),
        (503, Unavailable),
        (500, Unavailable),
        (401, Unavailable),
        (409, Conflict),
        (412, Conflict),
        (422, FhirError),
        (400, FhirError),
        (202, Unavailable),
    ],
)
@pytest.mark.parametrize("kind", ["Task", "Provenance", "DiagnosticReport", "AuditEvent"])
def test_a_result_of_which_an_entry_is_refused_does_not_count(
    line: Line, fake: FakeEhr, note: str, kind: str, refusal: tuple[int, type[CareloopError]]
) -> None:
    status, expected = refusal
    before, behind = {local_reference(r) for r in standing(fake)}, authored(fake)
    arrived = event(line.ehr, note)
    # A head is begun by a POST of its own, and becomes a result's by a PUT.
    fake.faults.refuse(9, status, kind=kind, method="PUT" if kind == "Task" else "")
    with pytest.raises(expected):
        run(line, arrived)
    assert begun(line, note) in (None, "draft")
    assert {local_reference(r) for r in standing(fake)} == before
    assert authored(fake) == behind
    fake.faults.end()
    assert run(line, arrived) == "result"
    assert head(line.ehr, note).outcome == "requested"
    mine = [r for r in standing(fake) if local_reference(r) not in before]
    assert sorted(r["resourceType"] for r in mine) == ["DiagnosticReport", "Observation"]
    assert {local_reference(r) for r in mine} <= authored(fake)
    assert run(line, arrived) == "unchanged"


def test_the_worst_entry_decides(line: Line, fake: FakeEhr, note: str) -> None:
    fake.faults.refuse(1, 429, kind="Provenance")
    fake.faults.refuse(1, 412, kind="AuditEvent")
    fake.faults.refuse(1, 422, kind="Observation")
    with pytest.raises(FhirError, match="422 to POST Observation"):
        run(line, event(line.ehr, note))


def test_what_points_at_a_refused_entry_does_not_decide(
    line: Line, fake: FakeEhr, note: str
) -> None:
    fake.faults.refuse(1, 429, kind="Observation")
    fake.faults.refuse(1, 422, kind="Provenance")
    with pytest.raises(Unavailable, match="429 to POST Observation"):
        run(line, event(line.ehr, note))


def test_a_new_draft_keeps_the_one_before_where_half_of_it_is_refused(
    line: Line, fake: FakeEhr, note: str
) -> None:
    run(line, event(line.ehr, note))
    old = stand(line.ehr, head(line.ehr, note))
    change_text(line.ehr, note, "now three words")
    fake.faults.refuse(1, 429, kind="Provenance")
    with pytest.raises(Unavailable):
        run(line, event(line.ehr, note))
    found = stand(line.ehr, head(line.ehr, note))
    assert found["report"]["conclusion"] == old["report"]["conclusion"]
    assert {r["status"] for r in found.values()} == {"preliminary"}
    assert run(line, event(line.ehr, note)) == "result"
    assert stand(line.ehr, head(line.ehr, note))["report"]["conclusion"] == "3 words"


def change_text(ehr: Ehr, note: str, text: str) -> None:
    change(ehr, note, text, subject=(ehr.read(note) or {})["subject"])


@pytest.mark.parametrize("kind", ["DiagnosticReport", "AuditEvent", "Task"])
def test_a_refusal_of_which_half_is_refused_is_written_again(
    line: Line, fake: FakeEhr, note: str, kind: str
) -> None:
    arrived = event(line.ehr, note)
    run(line, arrived)
    patient = (line.ehr.read(note) or {})["subject"]["reference"]
    line.ehr.create(consent(patient, {"type": "deny"}))
    fake.faults.refuse(1, 429, kind=kind)
    with pytest.raises(Unavailable):
        run(line, arrived)
    assert head(line.ehr, note).outcome == "requested"
    assert {r["status"] for r in stand(line.ehr, head(line.ehr, note)).values()} == {"preliminary"}
    assert run(line, arrived) == "not_analysed"
    assert head(line.ehr, note).outcome == "rejected"
    assert {r["status"] for r in stand(line.ehr, head(line.ehr, note)).values()} == {"cancelled"}


@pytest.mark.parametrize("kind", ["DiagnosticReport", "Observation"])
def test_a_withdrawal_of_which_half_is_refused_is_written_again(
    line: Line, fake: FakeEhr, note: str, kind: str
) -> None:
    run(line, event(line.ehr, note))
    change_text(line.ehr, note, "two words")
    written = line.ehr.read(note) or {}
    line.ehr.update(written | {"status": "entered-in-error"}, written["meta"]["versionId"])
    fake.faults.refuse(1, 503, kind=kind)
    with pytest.raises(Unavailable):
        run(line, event(line.ehr, note))
    assert head(line.ehr, note).outcome == "requested"
    assert run(line, event(line.ehr, note)) == "withdrawn"
    assert {r["status"] for r in stand(line.ehr, head(line.ehr, note)).values()} == {"cancelled"}


def test_what_is_not_taken_back_at_once_is_tried_again(
    line: Line, fake: FakeEhr, note: str
) -> None:
    fake.faults.refuse(1, 422, kind="Provenance")
    fake.faults.fail(4, 503, retry_after="0", method="PUT", path="Task")
    with pytest.raises(FhirError):
        run(line, event(line.ehr, note))
    assert begun(line, note) in (None, "draft")
