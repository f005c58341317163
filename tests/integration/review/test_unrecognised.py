"""Review: beside an exchange, each active order of a drug that is not recognised is named."""

import pytest

from shared.ehr.client import Ehr
from shared.errors import FhirError
from shared.fhir import codes
from shared.json import Json
from tests.browser.clinic import Clinic
from tests.integration.review.exchanges import (
    CLOPIDOGREL,
    TICAGRELOR,
    decide,
    exchange,
    order,
    panel,
    status,
)
from tests.integration.review.support import Visitor

NO_CONCEPT: Json = {"medicationCodeableConcept": None}
UNREADABLE = {"identifier": {"system": "http://hospital.example/drugs", "value": "0815"}}
UNRECOGNISED: dict[str, tuple[Json, str]] = {
    "an unknown brand": (
        {"medicationCodeableConcept": {"text": "DuoPlavin 75 mg tablet"}},
        "DuoPlavin 75 mg tablet",
    ),
    "an unknown local code": (
        {"medicationCodeableConcept": codes.concept("http://hospital.example/drugs", "0815")},
        "0815",
    ),
    "a drug left out": (
        {"medicationCodeableConcept": {"coding": [{"system": "http://hospital.example/drugs"}]}},
        "a drug that the record does not name",
    ),
    "a Medication that can't be read": (
        NO_CONCEPT | {"medicationReference": UNREADABLE},
        "a drug that the record does not name",
    ),
    "a Medication that can't be read, with a name": (
        NO_CONCEPT | {"medicationReference": UNREADABLE | {"display": "Stroke tablets"}},
        "Stroke tablets",
    ),
}


@pytest.mark.parametrize(("elements", "name"), UNRECOGNISED.values(), ids=UNRECOGNISED)
def test_an_active_order_that_is_not_recognised_is_named_before_the_others(
    doctor: Visitor, clinic: Clinic, elements: Json, name: str
) -> None:
    named, unknown = order(clinic, CLOPIDOGREL), order(clinic, {}, **elements)
    recognised = order(clinic, codes.concept(codes.RXNORM, "7646", "omeprazole"))
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, named))
    page = doctor.get(f"/results/{task}")
    proposals, decision = page.split('id="h-proposals"')[1].split('id="decision"')

    warning = f"Not recognised: <strong>{name}</strong>"
    assert warning in proposals.split("Replaces")[0]
    for form in decision.split('name="action"')[1:3]:
        first, ends = form.split("your signature stops:")
        assert warning in first and f'data-order="{unknown}"' in first
        assert "check by hand whether it is the drug that is to stop" in first
        assert f'data-order="{named}"' in ends and recognised not in form

    assert decide(doctor, task).status_code == 303
    assert (status(clinic.ehr, named), status(clinic.ehr, unknown)) == ("stopped", "active")


def test_where_the_old_drug_is_not_recognised_the_page_says_so(
    doctor: Visitor, clinic: Clinic
) -> None:
    named = order(clinic, {"text": "DuoPlavin 75 mg"})
    again, other = order(clinic, {"text": "duoplavin 75 MG tablet"}), order(clinic, {"text": "X"})
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, named))
    said = panel(doctor, task)
    stops = said.split("your signature stops:")[1].split("</ul>")[0]
    assert named in stops and again in stops and other not in stops
    assert stops.count("Not recognised: check by hand for other orders of this drug.") == 2
    assert "Not recognised: <strong>X</strong>" in said


@pytest.mark.parametrize("refused", [403, None])
def test_an_order_whose_medication_the_ehr_does_not_give_is_named(
    doctor: Visitor, clinic: Clinic, monkeypatch: pytest.MonkeyPatch, refused: int | None
) -> None:
    medication = {"resourceType": "Medication", "code": {"text": "omeprazole"}}
    target = codes.reference(clinic.ehr.create(medication).reference)
    named = order(clinic, CLOPIDOGREL)
    unknown = order(clinic, {}, medicationCodeableConcept=None, medicationReference=target)
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, named))
    assert unknown not in panel(doctor, task)
    reads = Ehr.read

    def read(ehr: Ehr, reference: str) -> Json | None:
        if not reference.startswith("Medication/"):
            return reads(ehr, reference)
        if refused:
            raise FhirError(refused, f"GET {reference}")
        return None

    monkeypatch.setattr(Ehr, "read", read)
    said = panel(doctor, task).split("your signature stops:")[0]
    assert unknown in said
    assert "Not recognised: <strong>a drug that the record does not name</strong>" in said
