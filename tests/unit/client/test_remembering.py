"""Client: answers to what was asked ahead, given once or kept for as long as a page is made."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.ehr.ahead import reading, searching
from shared.ehr.client import Ehr
from shared.ehr.guard.abilities import Abilities
from shared.ehr.opening import open_ehr
from shared.fhir import codes
from shared.settings import load_settings
from tests.fakes import SEKMET, FakeEhr

ALLERGIES = {"patient": "1"}


@pytest.fixture
def able(fake: FakeEhr) -> Any:
    settings = load_settings(fhir_url=fake.base)
    with open_ehr(settings) as client:
        yield client.able(Abilities(batches=True))


@pytest.fixture
def patients(able: Ehr) -> list[str]:
    named = [{"family": "One"}], [{"family": "Two"}]
    return [able.create({"resourceType": "Patient", "name": n}).reference for n in named]


def cost(fake: FakeEhr, act: Callable[[], Any]) -> int:
    before = len(fake.requests)
    act()
    return len(fake.requests) - before


def rename(ehr: Ehr, reference: str) -> None:
    known = ehr.read(reference)
    assert known
    ehr.update(known | {"name": [{"family": "Other"}]}, known["meta"]["versionId"])


def family(ehr: Ehr, reference: str) -> str:
    known = ehr.read(reference)
    assert known
    return str(known["name"][0]["family"])


def test_without_memory_an_answer_is_given_once(able: Ehr, patients: list[str]) -> None:
    knowing = able.ahead([reading(p) for p in patients])
    rename(able, patients[0])
    assert family(knowing, patients[0]) == "One"
    assert family(knowing, patients[0]) == "Other"


def test_with_memory_whoever_asks_again_hears_the_same(
    fake: FakeEhr, able: Ehr, patients: list[str]
) -> None:
    page = able.remembering()
    page.ahead([reading(p) for p in patients])
    rename(able, patients[0])
    assert cost(fake, lambda: [family(page, patients[0]) for _ in range(3)]) == 0
    assert family(page, patients[0]) == "One"
    assert family(able, patients[0]) == family(able.remembering(), patients[0]) == "Other"


def test_each_batch_adds_to_those_before_and_asks_only_for_what_is_new(
    fake: FakeEhr, able: Ehr, patients: list[str]
) -> None:
    page = able.remembering()
    search = searching("AllergyIntolerance", ALLERGIES)
    page.ahead([search, reading(patients[0])])
    again = page.ahead([search, reading(patients[0]), reading(patients[1]), reading("Patient/x")])
    assert cost(fake, lambda: again.ahead([search, reading(patients[1])])) == 0
    assert cost(fake, lambda: [family(page, p) for p in patients]) == 0
    assert cost(fake, lambda: list(page.search("AllergyIntolerance", ALLERGIES))) == 0
    assert cost(fake, lambda: page.read("Patient/x")) == 0


def test_two_pages_share_no_memory(fake: FakeEhr, able: Ehr, patients: list[str]) -> None:
    one, two = able.remembering(), able.remembering()
    one.ahead([reading(p) for p in patients])
    assert cost(fake, lambda: family(two, patients[0])) == 1


def test_what_is_remembered_can_be_looked_at(able: Ehr, patients: list[str]) -> None:
    page, gone = able.remembering(), reading("Patient/nobody")
    allergy = {"resourceType": "AllergyIntolerance", "patient": codes.reference(patients[0])}
    able.create(allergy)
    search = searching("AllergyIntolerance", {"patient": patients[0]})
    asked = [*map(reading, patients), gone, search]
    assert [page.remembered(q) for q in asked] == [[]] * 4
    page.ahead(asked)
    names = [[r["name"][0]["family"] for r in page.remembered(q)] for q in asked[:2]]
    assert names == [["One"], ["Two"]]
    assert page.remembered(gone) == []
    assert [r["resourceType"] for r in page.remembered(search)] == ["AllergyIntolerance"]


@pytest.mark.parametrize(
    "place", ["Patient/..", "#contained", "urn:uuid:7", "https://else.where/fhir/Patient/1", ""]
)
def test_what_is_no_place_of_this_ehr_is_asked_nowhere(
    fake: FakeEhr, able: Ehr, patients: list[str], place: str
) -> None:
    assert cost(fake, lambda: able.ahead([reading(patients[0]), reading(place)])) == 0
    asked = [*map(reading, patients), reading(place)]
    knowing = able.ahead(asked)
    assert [family(knowing, p) for p in patients] == ["One", "Two"]


def test_a_write_is_never_answered_from_memory(
    fake: FakeEhr, able: Ehr, patients: list[str]
) -> None:
    page = able.remembering()
    page.ahead([reading(p) for p in patients])
    assert cost(fake, lambda: rename(page, patients[0])) == 1
    assert family(able, patients[0]) == "Other"


def test_the_fake_counts_a_batch_as_one(able: Ehr, fake: FakeEhr, patients: list[str]) -> None:
    assert fake.habits == SEKMET
    assert cost(fake, lambda: able.ahead([reading(p) for p in patients])) == 1
