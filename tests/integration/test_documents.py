"""A document that another one replaces while its own status says nothing of it, on servers that
search by `relatesto`, ignore it, or refuse it.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.fake_ehr import search
from shared.ehr.client import Ehr
from shared.ehr.documents import is_replaced
from shared.ehr.opening import open_ehr
from shared.fhir.summary import replaces
from shared.json import Json
from shared.settings import Settings
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.toy import note


@pytest.fixture(params=["sekmet", "sekmet ignores it", "hapi", "hapi refuses it"])
def ehr(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ehr]:
    server, _, unknown = request.param.partition(" ")
    if unknown:
        monkeypatch.delitem(search.PATHS, "relatesto")
    with (
        FakeEhr({"sekmet": SEKMET, "hapi": HAPI}[server]) as fake,
        open_ehr(Settings(fhir_url=fake.base)) as client,
    ):
        yield client


def added(ehr: Ehr, patient: str, **elements: Any) -> Json:
    written = ehr.read(ehr.create(note(patient, "text") | elements).reference)
    assert written
    return written


def of(code: str, document: Json) -> list[Json]:
    return [{"code": code, "target": {"reference": f"DocumentReference/{document['id']}"}}]


@pytest.fixture
def patients(ehr: Ehr) -> list[str]:
    return [ehr.create({"resourceType": "Patient", "gender": "female"}).reference for _ in range(2)]


def test_what_a_current_document_replaces_is_replaced(ehr: Ehr, patients: list[str]) -> None:
    old, other = (added(ehr, patients[0]) for _ in range(2))
    assert not is_replaced(old, ehr)
    new = added(ehr, patients[0], relatesTo=of("replaces", old))
    assert [is_replaced(d, ehr) for d in (old, other, new)] == [True, False, False]
    assert replaces(new) == (f"DocumentReference/{old['id']}",)


@pytest.mark.parametrize(
    "elements",
    [{"status": "entered-in-error"}, {"status": "superseded"}, {"docStatus": "entered-in-error"}],
)
def test_a_replacement_that_does_not_stand_itself_replaces_nothing(
    ehr: Ehr, patients: list[str], elements: Json
) -> None:
    old = added(ehr, patients[0])
    added(ehr, patients[0], relatesTo=of("replaces", old), **elements)
    assert not is_replaced(old, ehr)


def test_an_addendum_or_another_patients_document_replaces_nothing(
    ehr: Ehr, patients: list[str]
) -> None:
    old = added(ehr, patients[0])
    added(ehr, patients[0], relatesTo=of("appends", old))
    added(ehr, patients[1], relatesTo=of("replaces", old))
    assert not is_replaced(old, ehr)
