"""What a result asks: whose records count, and what leads to what."""

from collections.abc import Iterable, Sequence

import pytest

from services.review.ahead.page import of_page
from services.review.result.asking.needs import Found, questions
from services.review.result.asking.rounds import MOST, ask_ahead
from shared.answers import Answer, Basis, Head, digest
from shared.ehr.ahead import Question, reading
from shared.ehr.client import Ehr
from shared.fhir import codes, heads
from shared.fhir.heads import head_of
from shared.json import Json
from tests.merging import link

NOW = "2026-01-01T00:00:00.000Z"
ONE, TWO, THREE = (f"Patient/{n}" for n in (1, 2, 3))


def head(service: str = "imaging", subject: str = ONE, **outputs: str) -> Head:
    """A head that waits, of these outputs."""
    first = heads.first_draft(
        Answer(service, "ImagingStudy/1"), 1, subject=subject, device="Device/1", now=NOW
    ) | {"id": "7", "meta": {"versionId": "1"}}
    task = heads.requested(
        head_of(first),
        subject=subject,
        basis=Basis(digest("x")),
        focus=outputs.get("report", "ImagingStudy/1"),
        device="Device/1",
        sources={"ImagingStudy/1": "1"},
        outputs=outputs,
        now=NOW,
    )
    return head_of(task | {"id": "7", "meta": {"versionId": "2"}})


def patient(reference: str, *links: Json, active: bool | None = None) -> Json:
    stated: Json = {} if active is None else {"active": active}
    return {
        "resourceType": "Patient",
        "id": reference.split("/")[1],
        "link": list(links),
        **stated,
    }


def records(*patients: Json) -> tuple[set[str], set[str]]:
    found = Found(head(), patients)
    return set(found.records), set(found.linked)


def test_a_record_alone() -> None:
    assert records() == ({ONE}, set())
    assert records(patient(ONE), patient(TWO)) == ({ONE}, set())


@pytest.mark.parametrize(
    "patients",
    [
        [patient(ONE, link("replaced-by", TWO))],
        [patient(ONE, link("replaced-by", TWO)), patient(TWO, link("replaces", ONE))],
        [patient(ONE), patient(TWO, link("replaced-by", ONE))],
        [patient(ONE, active=True), patient(TWO, link("replaced-by", ONE), active=False)],
        [patient(ONE, link("replaces", TWO), active=True), patient(TWO)],
    ],
)
def test_records_that_were_merged_are_hers(patients: Sequence[Json]) -> None:
    assert records(*patients) == ({ONE, TWO}, set())


@pytest.mark.parametrize(
    "patients",
    [
        [patient(ONE, link("replaced-by", TWO), active=True)],
        [patient(ONE), patient(TWO, link("replaced-by", ONE), active=True)],
        [patient(ONE, link("replaces", TWO)), patient(TWO, active=True)],
        [patient(ONE, link("replaces", TWO))],  # not read yet: perhaps it is in use
    ],
)
def test_a_record_in_use_is_read_and_nothing_under_it(patients: Sequence[Json]) -> None:
    assert records(*patients) == ({ONE}, {TWO})
    asked = set(asked_of(head(), patients))
    assert reading(TWO) in asked
    assert not any(TWO.split("/")[1] in dict(q.params).get("patient", "") for q in asked)


def asked_of(of: Head, resources: Iterable[Json]) -> list[Question]:
    found = Found(of, list(resources))
    return [*questions(found), *of_page(found)]


def test_a_chain_of_three() -> None:
    first = patient(ONE, link("replaced-by", TWO))
    second = patient(TWO, link("replaced-by", THREE))
    assert records(first, second, patient(THREE)) == ({ONE, TWO, THREE}, set())


@pytest.mark.parametrize(
    "other", [link("seealso", TWO), link("refer", TWO), link("replaced-by", "#x"), {"type": "x"}]
)
def test_other_links_lead_nowhere(other: Json) -> None:
    assert records(patient(ONE, other), patient(TWO)) == ({ONE}, set())


def test_of_a_group_nothing_is_asked() -> None:
    assert asked_of(head(subject="Group/1", report="DiagnosticReport/1"), []) == []


def test_a_plan_asks_for_what_its_parts_rest_on_and_nothing_else_does() -> None:
    named = {"supportingInfo": [codes.reference("DiagnosticReport/9")]}
    for kind, asks in (("CarePlan", True), ("DiagnosticReport", False)):
        written = {"resourceType": kind, "id": "1", "status": "draft", **named}
        asked = asked_of(head(report=f"{kind}/1"), [written])
        assert (reading("DiagnosticReport/9") in asked) is asks


def test_orders_are_asked_for_only_where_one_is_proposed() -> None:
    plan = {"resourceType": "CarePlan", "id": "1", "status": "draft"}
    for status in ("draft", "active", "cancelled"):
        new = {"resourceType": "MedicationRequest", "id": "2", "status": status}
        of = head("treatment", report="CarePlan/1", new="MedicationRequest/2")
        kinds = {q.place for q in asked_of(of, [plan, new]) if q.is_search}
        assert ("MedicationRequest" in kinds) is (status == "draft")


class Shelf(Ehr):
    """Answers from a dict, a batch at a time."""

    def __init__(self, held: dict[Question, Json]) -> None:
        self.held = held
        self.batches: list[list[Question]] = []

    def ahead(self, questions: Sequence[Question]) -> "Shelf":
        self.batches.append(list(questions))
        return self

    def remembered(self, question: Question) -> list[Json]:
        return [self.held[question]] if question in self.held else []


def follow(found: Sequence[Json]) -> list[Question]:
    return [reading("Patient/0"), *(reading(f"Patient/{r['next']}") for r in found)]


def test_each_round_asks_only_for_what_is_new() -> None:
    shelf = Shelf({reading("Patient/0"): {"next": 1}, reading("Patient/1"): {"next": 0}})
    ask_ahead(shelf, follow)
    assert shelf.batches == [[reading("Patient/0")], [reading("Patient/1")]]


def test_it_ends_whatever_the_answers_lead_to() -> None:
    endless = {reading(f"Patient/{n}"): {"next": n + 1} for n in range(100)}
    shelf = Shelf(endless)
    ask_ahead(shelf, follow)
    assert len(shelf.batches) == MOST


def test_where_nothing_is_remembered_it_asks_once() -> None:
    shelf = Shelf({})
    ask_ahead(shelf, follow)
    assert len(shelf.batches) == 1
