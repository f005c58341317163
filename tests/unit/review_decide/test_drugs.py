"""Review decide: which orders are of the same drug."""

import pytest

from services.review.decision.exchange.drugs import ATC, substance
from shared.fhir import codes
from shared.json import Json

CLOPIDOGREL = codes.concept(codes.RXNORM, "32968", "clopidogrel")


def same(one: Json, other: Json) -> bool:
    return substance([one]).is_same(substance([other]))


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
    assert substance([{"text": text}]).is_combination == several


def test_the_ingredients_of_a_medication_are_read() -> None:
    both = substance([{"text": "Compound X"}, {"text": "aspirin"}, CLOPIDOGREL])
    assert both.is_combination and both.is_same(substance([CLOPIDOGREL]))
