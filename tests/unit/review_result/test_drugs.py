"""Review result: which drug an order is of."""

import pytest

from services.review.result.drugs import ATC, NAMELESS, Substance, substance
from shared.fhir import codes
from shared.json import Json

CLOPIDOGREL = codes.concept(codes.RXNORM, "32968", "clopidogrel")


def drug(concept: Json, *ingredients: Json) -> Substance:
    """The drug of an order with this concept, and with a contained Medication of these."""
    parts = [{"itemCodeableConcept": i} if "isActive" not in i else i for i in ingredients]
    medication = {"resourceType": "Medication", "id": "m", "ingredient": parts}
    order = {"medicationCodeableConcept": concept}
    if parts:
        order |= {"medicationReference": {"reference": "#m"}, "contained": [medication]}
    return substance(order)


def same(one: Json, other: Json) -> bool:
    return drug(one).is_same(drug(other))


@pytest.mark.parametrize(
    "other",
    [
        {"text": "Plavix"},
        {"text": "CLOPIDOGREL 75 mg daily"},
        codes.concept(codes.RXNORM, "309362", "clopidogrel 75 MG Oral Tablet"),
        {"coding": [{"display": "Clopidogrel bisulfate"}]},
        codes.concept(codes.RXNORM, "32968"),
    ],
)
def test_another_code_or_name_of_the_drug_is_the_drug(other: Json) -> None:
    assert same(CLOPIDOGREL, other) and same(other, CLOPIDOGREL)


@pytest.mark.parametrize(
    "other",
    [
        {"text": "ticagrelor 90 mg"},
        codes.concept("http://other.example", "32968"),
        {"text": "clopidogrelium"},
        {"text": "75 mg oral tablet"},
        {},
    ],
)
def test_another_drug_is_not(other: Json) -> None:
    assert not same(CLOPIDOGREL, other)


def test_an_unknown_drug_is_known_by_its_words_alone() -> None:
    assert same({"text": "Foozumab 10 mg tablet"}, {"text": "foozumab 20 MG oral"})
    assert not same({"text": "Foozumab acid"}, {"text": "Foozumab"})
    assert not same({"text": "sodium foozate"}, {"text": "sodium barate"})


def test_a_class_of_drugs_is_no_drug() -> None:
    classes = [{"coding": [{"system": ATC, "code": code}]} for code in ("B01AC", "B01AC04")]
    assert not same(classes[0], classes[0]) and same(classes[1], classes[1])


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("ezetimibe 10 MG / simvastatin 40 MG Oral Tablet", True),
        ("amoxicillin/clavulanate 875 mg", True),
        ("aspirin and clopidogrel", True),
        ("clopidogrel 75 mg", False),
        ("morphine 10 mg/ml oral solution", False),
        ("insulin 100 units/ml", False),
    ],
)
def test_a_combination_is_recognised(text: str, several: bool) -> None:
    assert drug({"text": text}).is_combination == several


def test_the_ingredients_of_a_medication_are_read() -> None:
    both = drug({"text": "Compound X"}, {"text": "aspirin"}, CLOPIDOGREL)
    assert both.is_combination and both.is_same(drug(CLOPIDOGREL)) and both.is_recognised


LACTOSE: Json = {"isActive": False, "itemCodeableConcept": {"text": "lactose"}}
UNKNOWN: Json = {"text": "foozumab"}


@pytest.mark.parametrize(
    ("ingredients", "is_combination", "is_recognised"),
    [
        ([CLOPIDOGREL, LACTOSE], False, True),
        ([CLOPIDOGREL, UNKNOWN], True, False),
        ([UNKNOWN], False, True),
        ([UNKNOWN, {"text": "barozumab"}], True, False),
        ([{"text": "Plavix"}, CLOPIDOGREL], False, True),
    ],
)
def test_an_unknown_ingredient_is_not_passed_over(
    ingredients: list[Json], is_combination: bool, is_recognised: bool
) -> None:
    found = drug({"text": "Plavix comp"}, *ingredients)
    assert (found.is_combination, found.is_recognised) == (is_combination, is_recognised)


def test_a_brand_of_a_combination_is_one() -> None:
    assert drug({"text": "Augmentin 875"}).is_combination
    assert not drug({"text": "Augmentin 875"}).is_recognised


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"medicationCodeableConcept": "text"},
        {"medicationCodeableConcept": {"coding": [{"code": {}}], "text": []}},
        {"medicationReference": [{"reference": "#x"}, 7], "contained": {"id": "m"}},
        {"medicationReference": {"reference": "#m"}, "contained": [{"id": "m", "ingredient": 1}]},
        {"medicationReference": {"reference": "Medication/7"}},
    ],
)
def test_what_is_malformed_says_nothing(elements: Json) -> None:
    found = substance(elements)
    assert not found.is_recognised and not found.ingredients and not found.keys
    assert found.name == NAMELESS


def test_a_contained_substance_is_read() -> None:
    held = {"resourceType": "Substance", "id": "s", "code": {"text": "Plavix"}}
    part = {"itemReference": {"reference": "#s", "display": "one of two"}}
    medication = {"resourceType": "Medication", "id": "m", "ingredient": [part]}
    order = {"medicationReference": {"reference": "#m"}, "contained": [medication, held]}
    assert substance(order).is_same(drug(CLOPIDOGREL))
