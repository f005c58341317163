"""Review result: an exchange and the advice of genes read the drug of an order alike."""

from typing import Any

import pytest

from services.review.decision.exchange.exchange import exchanges
from services.review.decision.exchange.orders import standing_orders
from services.review.panels import genes
from services.review.result.taken import taken
from shared.ehr.client import Ehr
from shared.errors import FhirError
from shared.fhir import codes
from shared.json import Json
from tests.unit.review_panels.support import PATIENT, Shelf, resource

ATORVASTATIN = codes.concept(codes.RXNORM, "83367", "atorvastatin")
MEDICATION = {"resourceType": "Medication", "id": "7"}
TO_IT = codes.reference("Medication/7")


def order(id: str, concept: Json | None, **more: Any) -> Json:
    said = {"medicationCodeableConcept": concept} if concept else {}
    return resource("MedicationRequest", id, status="active", intent="order", **said, **more)


def text(words: str) -> list[Json]:
    return [order("2", {"text": words})]


def ingredients(*concepts: Json) -> list[Json]:
    held = [{"itemCodeableConcept": concept} for concept in concepts]
    return [order("2", None, medicationReference=TO_IT), MEDICATION | {"ingredient": held}]


SAME = {
    "a combination": text("amlodipine/atorvastatin 5 mg/20 mg"),
    "a combination with strengths": text("amlodipine 5 MG / atorvastatin 20 MG Oral Tablet"),
    "a combination with a hyphen": text("amlodipine-atorvastatin 5-20"),
    "a hyphen of print": text("Amlodipine\u2011Atorvastatin"),
    "a soft hyphen": text("ator\xadvastatin 20"),
    "a brand": text("LIPITOR 20 mg"),
    "a salt": text("atorvastatin calcium 20 mg"),
    "a display": [order("2", {"coding": [{"display": "Atorvastatin (as calcium)"}]})],
    "a code alone": [order("2", codes.concept(codes.RXNORM, "83367"))],
    "ingredients": ingredients({"text": "amlodipine besylate"}, ATORVASTATIN),
    "a name of the Medication": [order("2", None, medicationReference={"display": "Lipitor"})],
    "a contained Medication": [
        order(
            "2",
            None,
            medicationReference={"reference": "#m"},
            contained=[MEDICATION | {"id": "m", "code": {"text": "Lipitor"}}],
        )
    ],
}
OTHERS = {
    "another drug": text("pravastatin"),
    "a name inside another": text("pseudoatorvastatin"),
    "an unknown brand": text("Caduet 5/20"),
    "a code of another system": [order("2", codes.concept("http://other.example", "83367"))],
    "other ingredients": ingredients({"text": "amlodipine besylate"}),
}


def exchanged(ehr: Ehr) -> bool:
    """Whether the order ends with one of atorvastatin."""
    new = {"priorPrescription": codes.reference("MedicationRequest/1"), "status": "draft"}
    made = resource("MedicationRequest", "new", intent="proposal", **new)
    standing = standing_orders(ehr, (PATIENT,), ())
    ended = exchanges({"new": made}, standing, read_only=False).ends(())
    return "MedicationRequest/2" in [end.order.reference for end in ended]


def advised(ehr: Ehr) -> bool:
    """Whether the order counts as one of atorvastatin beside the advice of genes."""
    return any(o.is_of("atorvastatin", ["83367"]) for o in taken(ehr, (PATIENT,)).orders)


@pytest.mark.parametrize("written", SAME.values(), ids=SAME)
def test_both_read_the_drug(written: list[Json]) -> None:
    assert exchanged(Shelf(order("1", ATORVASTATIN), *written))
    assert advised(Shelf(*written))


@pytest.mark.parametrize("written", OTHERS.values(), ids=OTHERS)
def test_both_tell_another_drug(written: list[Json]) -> None:
    assert not exchanged(Shelf(order("1", ATORVASTATIN), *written))
    assert not advised(Shelf(*written))


class Refusing(Shelf):
    """An EHR that gives no Medication."""

    def read(self, reference: str) -> Json | None:
        if reference.startswith("Medication/"):
            raise FhirError(403, f"GET {reference}")
        return super().read(reference)


def test_a_medication_that_is_refused_leaves_an_order_without_a_drug() -> None:
    ehr = Refusing(*ingredients(ATORVASTATIN))
    [ordered] = standing_orders(ehr, (PATIENT,), ())
    assert not ordered.substance.is_recognised
    known = taken(ehr, (PATIENT,))
    assert genes.by_patient([], known).unmatched == ("a drug that the record does not name",)
