"""Orders, and plans that replace them, for the tests of an exchange."""

import re
from collections.abc import Sequence
from typing import Any, Final

from shared.ehr.client import Ehr
from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from shared.json import Json
from tests.browser.clinic import Clinic
from tests.browser.drafts import Drafts
from tests.integration.review.support import Visitor, accepted

CLOPIDOGREL = codes.concept(codes.RXNORM, "32968", "clopidogrel")
PLAVIX = {"text": "Plavix 75 mg film-coated tablet"}
SIMVASTATIN = codes.concept(codes.RXNORM, "36567", "simvastatin")
ZOCOR = codes.concept("http://hospital.example/drugs", "4711", "Zocor 40 mg tablet")


def order(clinic: Clinic, medication: Json, **elements: Any) -> str:
    """An order of the hospital; its reference."""
    made = {
        "resourceType": "MedicationRequest",
        "meta": {"tag": [{"system": "http://hospital.example/ward", "code": "4B"}]},
        "status": "active",
        "intent": "order",
        "subject": codes.reference(clinic.patient),
        "requester": codes.reference(clinic.practitioner, "Dr. Ada Berg"),
        "medicationCodeableConcept": medication,
        "dosageInstruction": [{"text": "one a day"}],
    }
    return clinic.ehr.create(
        {k: v for k, v in (made | elements).items() if v is not None}
    ).reference


def status(ehr: Ehr, reference: str) -> str:
    found = ehr.read(reference)
    assert found
    return str(found["status"])


ORDERED: Final = accepted("ticagrelor", "rosuvastatin")


def decide(doctor: Visitor, task: str, action: str = "sign", **fields: Any) -> Any:
    """Send the form with what the page says of the orders."""
    page = doctor.get(f"/results/{task}")
    named = re.search(r'name="orders" value="([0-9a-f]+)"', page)
    given = {"orders": named[1] if named else ""} | ORDERED | fields
    return doctor.decide(task, action, reviewed="yes", **given)


def panel(doctor: Visitor, task: str) -> str:
    """The decision beside a result."""
    return doctor.get(f"/results/{task}").split('id="decision"')[1]


def exchange(new: Sequence[tuple[str, str]], prior: str, others: Sequence[str] = ()) -> Drafts:
    """A plan that replaces an order by one of these drugs (RxNorm's code and name)."""

    def drafts(pen: Pen) -> list[Draft]:
        requests = [
            pen.draft(
                "MedicationRequest",
                name,
                medicationCodeableConcept=codes.concept(codes.RXNORM, code, name),
                priorPrescription=codes.reference(prior),
                supportingInformation=[codes.reference(r) for r in (prior, *others)],
                dosageInstruction=[{"text": "as advised"}],
            )
            for code, name in new
        ]
        group = pen.draft(
            "RequestGroup",
            "choice",
            action=[
                {
                    "title": "Instead",
                    "selectionBehavior": "at-most-one",
                    "action": [{"title": r.key, "resource": r.ref} for r in requests],
                }
            ],
        )
        report = pen.draft(
            "CarePlan",
            "report",
            title="An exchange",
            description="One drug instead of another.",
            activity=[{"reference": group.ref if len(requests) > 1 else requests[0].ref}],
        )
        return [*requests, *([group] if len(requests) > 1 else []), report]

    return drafts


TICAGRELOR = [("1116632", "ticagrelor")]
ROSUVASTATIN = [("301542", "rosuvastatin")]
EITHER = [("1116632", "ticagrelor"), ("613391", "prasugrel")]
