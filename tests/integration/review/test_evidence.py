"""Review: evidence that does not mislead."""

import re

import pytest

from shared.fhir import codes
from tests.browser.clinic import Clinic, a_film, fill
from tests.integration.review.support import Visitor


def order(clinic: Clinic, text: str) -> None:
    clinic.ehr.create(
        {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "subject": codes.reference(clinic.patient),
            "medicationCodeableConcept": {"text": text},
        }
    )


UNCALLED = (
    "Drugs whose gene was not called are not among those listed here: they were not assessed."
)


def words(page: str) -> str:
    """What people read of a page: no markup, no white space of the source."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_drugs_that_the_patient_takes_come_first(doctor: Visitor, clinic: Clinic) -> None:
    order(clinic, "Plavix 75 mg")
    order(clinic, "Statin, per protocol")
    page = words(doctor.get(f"/results/{fill(clinic)['genomics']}"))
    assert "Prescribed or taken now" in page
    assert "Compare by hand: in 1 active order no ingredient was recognised" in page
    assert UNCALLED in page
    assert page.index("Prescribed or taken now") < page.index("clopidogrel", page.index("drugs"))


def test_a_drug_that_stands_within_its_order_is_one_that_she_takes(
    doctor: Visitor, clinic: Clinic
) -> None:
    clinic.ehr.create(
        {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "subject": codes.reference(clinic.patient),
            "contained": [
                {"resourceType": "Medication", "id": "m", "code": {"text": "Plavix 75 mg"}}
            ],
            "medicationReference": {"reference": "#m"},
        }
    )
    page = words(doctor.get(f"/results/{fill(clinic)['genomics']}"))
    assert "Prescribed or taken now" in page and "Compare by hand" not in page


def test_without_an_order_for_them_the_page_says_so(doctor: Visitor, clinic: Clinic) -> None:
    page = words(doctor.get(f"/results/{fill(clinic)['genomics']}"))
    assert "No active order or statement in the record is for this drug." in page
    assert UNCALLED in page


@pytest.mark.parametrize("service", ["imaging", "notes", "genomics"])
def test_no_number_of_a_model_is_shown_as_a_percentage(
    doctor: Visitor, clinic: Clinic, service: str
) -> None:
    page = doctor.get(f"/results/{fill(clinic)[service]}")
    assert "<meter" not in page
    assert not re.search(r"(91|84) ?%", words(page))
    assert service == "genomics" or "not ranked (single finding)" in words(page)


def test_a_card_is_shown_without_what_machines_read_of_it(doctor: Visitor, clinic: Clinic) -> None:
    link = re.search(r'href="(/models/[^"]+)"', doctor.get(f"/results/{a_film(clinic)}"))
    assert link
    page = doctor.get(link[1])
    assert "<h1>Chest films</h1>" in page
    assert "license" not in page
