"""Intake again: merged patients. What rests on one record rests on all of them."""

from datetime import timedelta
from typing import Any

import pytest

from services.intake import state
from services.treatment.service import SERVICE
from shared.answers import Answer
from tests.integration.intake_again.support import (
    drawn,
    order_of,
    swept_later,
    told_again,
    with_plan,
)
from tests.integration.intake_changes.support import Intake, change, moment, version
from tests.merging import WAYS, How, link, merge, say, unmerge
from tests.toy import note
from tests.unit.treatment_record import order

RETIRED, SURVIVOR, LAST = "Patient/1", "Patient/2", "Patient/3"
Told = list[tuple[str, str | None]]


def told_of(intake: Intake, **told: Any) -> Told:
    """Focus and subject of each event that a sweep of these adds."""
    before = len(intake.events())
    intake.ehr.told = told
    assert intake.sweep() == {}
    return sorted((e.focus, e.subject) for e in intake.events()[before:])


def record(number: int, reference: str, *links: Any, active: bool = True) -> Any:
    said = {"link": list(links)} if links else {}
    return version(number, moment(), reference, active=active, **said)


def of_both(*drawn_for: str) -> Told:
    """All that rests on two records, each with its film, and an order of the retired one."""
    films: Told = [(f"ImagingStudy/{p.split('/')[1]}", p) for p in drawn_for]
    return sorted([*films, *(("MedicationRequest/1", p) for p in drawn_for)])


@pytest.fixture
def filled(scripted: Intake) -> Intake:
    """Two patients with a film each, and one with an order."""
    told_of(
        scripted,
        Patient=[record(1, p) for p in (RETIRED, SURVIVOR)],
        ImagingStudy=[
            version(1, moment(), f"ImagingStudy/{p.split('/')[1]}", subject={"reference": p})
            for p in (RETIRED, SURVIVOR)
        ],
        MedicationRequest=[order_of(RETIRED)],
    )
    return scripted


MERGED = [
    pytest.param([record(2, RETIRED, link("replaced-by", SURVIVOR), active=False)], id="retired"),
    pytest.param([record(2, SURVIVOR, link("replaces", RETIRED))], id="survivor"),
    pytest.param(
        [
            record(2, RETIRED, link("replaced-by", SURVIVOR), active=False),
            record(2, SURVIVOR, link("replaces", RETIRED)),
        ],
        id="both",
    ),
]


@pytest.mark.parametrize("merged", MERGED)
def test_a_merge_tells_once_of_what_rests_on_either_record(filled: Intake, merged: Any) -> None:
    assert told_of(filled, Patient=merged) == of_both(RETIRED, SURVIVOR)


@pytest.mark.parametrize("merged", MERGED)
def test_a_denial_under_one_record_tells_of_both(filled: Intake, merged: Any) -> None:
    told_of(filled, Patient=merged)
    assert len(told_again(filled)) == len(of_both(RETIRED, SURVIVOR))


@pytest.mark.parametrize("merged", MERGED)
@pytest.mark.parametrize("parted", [RETIRED, SURVIVOR])
def test_an_unmerge_tells_of_both_although_no_link_is_left(
    filled: Intake, merged: Any, parted: str
) -> None:
    told_of(filled, Patient=merged)
    filled.state.close()
    filled.state = state.State(filled.folder / "intake.sqlite")
    assert told_of(filled, Patient=[record(3, parted)]) == of_both(RETIRED, SURVIVOR)


def test_an_unmerge_of_what_was_merged_before_intake_began_is_told(intake: Intake) -> None:
    ehr = intake.ehr
    retired, survivor = (ehr.create({"resourceType": "Patient"}).reference for _ in range(2))
    say(ehr, retired, link("replaced-by", survivor), active=False)
    written = {ehr.create(note(p, "x")).reference for p in (retired, survivor)}
    intake.sweep()
    intake.state.db.execute("DELETE FROM foci WHERE focus GLOB 'Patient/*'")
    intake.state.db.execute("DELETE FROM links")
    before = len(intake.events())
    say(ehr, retired, active=True)
    intake.sweep()
    assert {e.focus for e in intake.events()[before:]} == written


def test_a_record_of_a_chain_tells_of_all(filled: Intake) -> None:
    told_of(filled, Patient=[record(2, RETIRED, link("replaced-by", SURVIVOR), active=False)])
    told = told_of(filled, Patient=[record(3, SURVIVOR, link("replaced-by", LAST), active=False)])
    assert told == sorted([*of_both(RETIRED, SURVIVOR), ("MedicationRequest/1", LAST)])


def test_links_that_merge_nothing_tell_of_their_own_record_alone(filled: Intake) -> None:
    alike = [record(2, RETIRED, link("seealso", SURVIVOR), link("refer", SURVIVOR))]
    assert told_of(filled, Patient=alike) == of_both(RETIRED)


def test_a_merge_that_a_search_may_find_late_is_told_once_more(filled: Intake) -> None:
    told_of(filled, Patient=[record(2, RETIRED, link("replaced-by", SURVIVOR), active=False)])
    assert len(swept_later(filled, 31)) == len(of_both(RETIRED, SURVIVOR))
    assert swept_later(filled, 100) == []


def test_a_deleted_record_tells_of_what_rested_on_it(filled: Intake) -> None:
    gone = version(2, moment(timedelta()), RETIRED)
    deleted = type(gone)(gone.reference, "2", gone.time, True, None)
    assert told_of(filled, Patient=[deleted]) == of_both(RETIRED)


@pytest.mark.parametrize("how", WAYS)
def test_what_intake_tells_moves_the_plan_and_back(intake: Intake, how: How) -> None:
    ehr = intake.ehr
    drugs = [order("clopidogrel", "32968", mg=75), order("omeprazole", "7646", mg=20)]
    retired, line = with_plan(intake, drugs)
    survivor = ehr.create({"resourceType": "Patient", "gender": "female"}).reference
    intake.sweep()

    def settled() -> list[str | None]:
        before = len(intake.events())
        intake.sweep()
        for event in intake.events()[before:]:
            if SERVICE.accepts(event):
                drawn(line, event)
        heads = [ehr.head(Answer("treatment", p)) for p in (retired, survivor)]
        return [head.outcome if head else None for head in heads]

    merge(ehr, retired, survivor, how)
    assert settled() == ["cancelled", "requested"]
    assert [r["status"] for r in ehr.search("CarePlan", {}, subject=survivor)].count("draft") == 1
    if how == "left":
        unmerge(ehr, retired, survivor)
        assert settled() == ["requested", "cancelled"]
    else:
        change(ehr, "Consent", survivor)
        assert settled() == ["cancelled", "rejected"]
    drafts = [
        p["subject"]["reference"] for p in ehr.search("CarePlan", {}) if p["status"] == "draft"
    ]
    assert drafts == ([retired] if how == "left" else [])
