"""References to other systems beside the subject: none leads to what is ours by the same id."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.treatment import searches
from services.treatment.record import hospital
from shared.dicom.endpoint import address_of
from shared.ehr.client import Ehr
from shared.ehr.documents import is_replaced
from shared.ehr.opening import open_ehr
from shared.fhir import codes
from shared.fhir.summary import event_of
from shared.privacy.consent import permit
from shared.references import local_reference
from shared.settings import Settings
from tests.contract.line.support import consent
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.integration.other_systems.support import OTHER, about, put


@pytest.fixture(
    params=[SEKMET, replace(HAPI, refuses_external_references=False)], ids=lambda h: h.name
)
def ehr(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ehr]:
    with (
        FakeEhr(request.param) as fake,
        open_ehr(Settings(fhir_url=fake.base, state_dir=tmp_path)) as client,
    ):
        yield client


@pytest.fixture
def patient(ehr: Ehr) -> str:
    return ehr.create({"resourceType": "Patient"}).reference


def test_an_endpoint(ehr: Ehr) -> None:
    place = {
        "resourceType": "Endpoint",
        "status": "active",
        "connectionType": codes.coding(codes.ENDPOINT_CONNECTION, "dicom-wado-rs"),
        "payloadType": [{"text": "any"}],
        "address": "http://pacs.example/dicom-web",
    }
    reference = ehr.create(place).reference
    named = [{"endpoint": [{"reference": f"{base}{reference}"}]} for base in ("", f"{OTHER}/")]
    assert [address_of(study, ehr) for study in named] == [place["address"], None]


def test_a_medication_and_a_reason(ehr: Ehr, patient: str) -> None:
    drug = {"resourceType": "Medication", "code": {"text": "warfarin"}}
    reference = ehr.create(drug).reference
    order = {
        **about("treatment", patient),
        "id": "1",
        "medicationReference": {"reference": f"{OTHER}/{reference}"},
        "reasonReference": [{"reference": f"{OTHER}/Condition/1"}, {"reference": "Condition/2"}],
    }
    assert searches.medication(ehr, order) is None
    assert hospital.order(order, None).reasons == ("Condition/2",)


def test_orders_problems_and_allergies_of_another_systems_patient(ehr: Ehr, patient: str) -> None:
    theirs = {"reference": f"{OTHER}/{patient}"}
    put(ehr, about("treatment", f"{OTHER}/{patient}"))
    put(ehr, {"resourceType": "Condition", "subject": theirs})
    put(ehr, {"resourceType": "AllergyIntolerance", "patient": theirs})
    found = (searches.orders, searches.problems, searches.allergies)
    assert [list(search(ehr, (patient,))) for search in found] == [[], [], []]


def test_a_document_of_another_system_is_not_replaced_here(ehr: Ehr, patient: str) -> None:
    old = put(ehr, about("notes", patient))
    target = {"reference": f"{OTHER}/{old}"}
    new = put(
        ehr, about("notes", patient) | {"relatesTo": [{"code": "replaces", "target": target}]}
    )
    standing, replacing = ehr.read(old), ehr.read(new)
    assert standing is not None and replacing is not None
    assert not is_replaced(standing, ehr)
    assert event_of(replacing, "create").replaces == ()
    ours = {**replacing["relatesTo"][0], "target": {"reference": f"{ehr.base}/{old}"}}
    put(ehr, about("notes", patient) | {"relatesTo": [ours]})
    assert is_replaced(standing, ehr), "an absolute reference on our base is ours"


def test_a_denial_of_another_systems_patient(ehr: Ehr, patient: str, tmp_path: Path) -> None:
    deny = consent(patient, {"type": "deny"})
    put(ehr, deny | {"patient": {"reference": f"{OTHER}/{patient}"}})
    permit(ehr, Settings(state_dir=tmp_path), patient, ["DocumentReference"])


def test_two_systems_never_share_a_lane(ehr: Ehr, patient: str) -> None:
    documents = [about("notes", r) for r in (patient, f"{OTHER}/{patient}", f"//x/{patient}")]
    read = [ehr.read(put(ehr, d)) for d in documents]
    keys = [event_of(r, "create").key for r in read if r is not None]
    assert keys == [patient, f"{OTHER}/{patient}", f"//x/{patient}"]
    assert len({local_reference(r) for r in read if r}) == 3
