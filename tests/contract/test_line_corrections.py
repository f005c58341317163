"""The straight line when a signed result turns out to rest on another patient's input: two records
that have nothing to do with each other.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.answers import Answer, Head
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.errors import Conflict
from shared.events import ResourceEvent
from shared.runtime.line import Line, at_ehr
from shared.runtime.line.revision import MOVED
from shared.settings import Settings
from shared.web.preview import preview
from tests.contract.line.support import change, decide, event, head, run, write
from tests.contract.line_turns.support import deny, person, repoint
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.toy import TOY, Model


@pytest.fixture(params=["sekmet", "hapi"])
def ehr(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ehr]:
    with (
        FakeEhr(SEKMET if request.param == "sekmet" else HAPI) as fake,
        open_ehr(Settings(fhir_url=fake.base, state_dir=tmp_path)) as client,
    ):
        yield client


@pytest.fixture
def line(ehr: Ehr, tmp_path: Path) -> Line:
    return Line(TOY, ehr, Model(), Settings(fhir_url=ehr.base, state_dir=tmp_path), at_ehr(ehr))


@pytest.fixture
def anna(ehr: Ehr) -> str:
    return person(ehr)


@pytest.fixture
def berta(ehr: Ehr) -> str:
    return person(ehr)


@pytest.fixture
def signed(ehr: Ehr, line: Line, anna: str) -> str:
    """A note whose result was signed for Anna."""
    reference = write(ehr, anna, "signed for anna")
    run(line, event(ehr, reference))
    decide(ehr, head(ehr, reference), "signed")
    return reference


def until_settled(line: Line, told: ResourceEvent) -> str:
    for _ in range(5):
        try:
            return run(line, told)
        except Conflict:
            continue
    raise AssertionError("never settled")


def revisions(ehr: Ehr, reference: str) -> list[Head]:
    return sorted(ehr.heads(Answer("toy", reference)), key=lambda h: h.revision)


def story(ehr: Ehr, reference: str) -> list[tuple[str, str, str | None]]:
    return [
        (h.outcome, h.task["for"]["reference"], h.task.get("statusReason", {}).get("text"))
        for h in revisions(ehr, reference)
    ]


def test_each_patients_record_says_what_holds_for_her(
    ehr: Ehr, line: Line, anna: str, berta: str, signed: str
) -> None:
    old = event(ehr, signed)
    report = head(ehr, signed).outputs["report"]
    repoint(ehr, signed, berta)
    told = event(ehr, signed)
    assert until_settled(line, told) == "result"
    expected = [("completed", anna, None), ("cancelled", anna, MOVED), ("requested", berta, None)]
    assert story(ehr, signed) == expected
    kept, new = ehr.read(report), ehr.read(head(ehr, signed).outputs["report"])
    assert kept and new and (kept["status"], kept["subject"]["reference"]) == ("final", anna)
    assert (new["status"], new["subject"]["reference"]) == ("preliminary", berta)
    versions = [h.version for h in revisions(ehr, signed)]
    assert [run(line, e) for e in (old, told, old)] == ["unchanged"] * 3
    assert [h.version for h in revisions(ehr, signed)] == versions


def test_no_provenance_leads_from_one_patient_to_the_other(
    ehr: Ehr, line: Line, berta: str, signed: str
) -> None:
    report = head(ehr, signed).outputs["report"]
    repoint(ehr, signed, berta)
    until_settled(line, event(ehr, signed))
    [provenance] = ehr.search("Provenance", {"target": head(ehr, signed).outputs["report"]})
    assert report not in [e["what"]["reference"] for e in provenance["entity"]]
    assert "revision" not in [e["role"] for e in provenance["entity"]]


def test_what_was_drafted_for_the_former_patient_since_is_taken_back_from_her(
    ehr: Ehr, line: Line, anna: str, berta: str, signed: str
) -> None:
    change(ehr, signed, "changed while it was still hers")
    assert run(line, event(ehr, signed)) == "result"
    draft = head(ehr, signed).outputs["report"]
    repoint(ehr, signed, berta)
    assert until_settled(line, event(ehr, signed)) == "result"
    assert [s[:2] for s in story(ehr, signed)] == [
        ("completed", anna),
        ("cancelled", anna),
        ("requested", berta),
    ]
    taken_back = ehr.read(draft)
    assert taken_back and (taken_back["status"], taken_back["subject"]["reference"]) == (
        "cancelled",
        anna,
    )


@pytest.mark.parametrize("hers", ["signed", "changed"])
def test_the_other_patients_denial_leaves_the_first_ones_record_as_told(
    ehr: Ehr, line: Line, berta: str, signed: str, hers: str
) -> None:
    anna = story(ehr, signed)[0][1]
    if hers == "changed":
        change(ehr, signed, "changed while it was still hers")
        run(line, event(ehr, signed))
    deny(ehr, berta)
    old = event(ehr, signed)
    repoint(ehr, signed, berta)
    told = event(ehr, signed)
    assert until_settled(line, told) == "not_analysed"
    assert story(ehr, signed)[1:] == [
        ("cancelled", anna, MOVED),
        ("rejected", berta, "The patient's consent does not permit this analysis."),
    ]
    assert [run(line, e) for e in (old, told)] == ["unchanged"] * 2


def test_a_correction_that_is_taken_back_leaves_the_signature(
    ehr: Ehr, line: Line, anna: str, berta: str, signed: str
) -> None:
    repoint(ehr, signed, berta)
    wrong = event(ehr, signed)
    until_settled(line, wrong)
    draft = head(ehr, signed).outputs["report"]
    repoint(ehr, signed, anna)
    assert run(line, wrong) == "withdrawn", (
        "an old event names the wrong patient, and the input says whose it is"
    )
    taken_back = ehr.read(draft)
    assert taken_back and taken_back["status"] == "cancelled"
    assert [s[:2] for s in story(ehr, signed)] == [
        ("completed", anna),
        ("cancelled", anna),
        ("cancelled", anna),
    ]
    assert [run(line, e) for e in (wrong, event(ehr, signed))] == ["unchanged"] * 2
    repoint(ehr, signed, berta)
    assert until_settled(line, event(ehr, signed)) == "result"
    assert story(ehr, signed)[2:] == [("cancelled", anna, MOVED), ("requested", berta, None)]


def test_a_correction_before_the_signature_needs_no_word(
    ehr: Ehr, line: Line, anna: str, berta: str
) -> None:
    reference = write(ehr, anna, "not signed yet")
    run(line, event(ehr, reference))
    repoint(ehr, reference, berta)
    assert run(line, event(ehr, reference)) == "result"
    assert [s[:2] for s in story(ehr, reference)] == [("requested", berta)]


def test_a_preview_begins_the_other_patients_revision(
    ehr: Ehr, line: Line, anna: str, berta: str, signed: str
) -> None:
    repoint(ehr, signed, berta)
    told = event(ehr, signed)
    with pytest.raises(Conflict):
        run(line, told)
    shown = preview(line, ehr, told, lambda inputs: TOY.analyze([inputs], line.model)[0])
    [task] = [e for e in shown["entry"] if e["resource"]["resourceType"] == "Task"]
    assert (task["request"]["method"], task["resource"]["for"]["reference"]) == ("POST", berta)
