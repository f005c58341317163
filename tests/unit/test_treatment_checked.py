"""What a plan says it did not check: it begins with it."""

import re

import pytest

from shared.fhir import codes
from shared.fhir.lifecycle import at_stage
from shared.json import Json
from tests.unit.treatment_answer import drawn, findings
from tests.unit.treatment_record import CLOPIDOGREL, LOOP, inputs_of, order, patient, report

READ = (patient(), report("imaging", "img", conclusion="Nothing suspicious."))
QUIET = "The rules found nothing; this is no all-clear."


def said(*record: Json) -> str:
    return str(drawn(*record)["report"].resource["description"])


@pytest.mark.parametrize(
    "drug", ["levetiracetam", "Tolvaptan 15 mg", "Insulin glargine", "vitamin"]
)
def test_an_order_that_the_rules_do_not_know_is_named_first(drug: str) -> None:
    begin = f"Not known to the rules, so not checked: {drug}."
    assert said(*READ, order(drug)).startswith(f"Compared: 0 of 1 active orders. {begin} {QUIET}")
    assert said(*LOOP, order(drug)).startswith(f"Compared: 2 of 3 active orders. {begin} 1 gene-")


def test_an_order_that_names_no_drug_is_counted_as_not_checked() -> None:
    nameless = order("x", medicationCodeableConcept={"coding": [{"system": codes.RXNORM}]})
    assert "Compared: 0 of 1 active orders." in said(*READ, nameless)
    assert "so not checked: an order without a name." in said(*READ, nameless)


def test_many_unknown_orders_are_named_up_to_a_limit_and_counted() -> None:
    orders = [order(f"unheard{n}") for n in range(13)]
    assert "Compared: 0 of 13 active orders." in said(*READ, *orders)
    assert said(*READ, *orders).count("unheard") == 10
    assert " and 3 more." in said(*READ, *orders)


def test_a_record_whose_orders_are_all_known_says_so() -> None:
    assert said(*READ, CLOPIDOGREL).startswith(f"Compared: 1 of 1 active orders. {QUIET}")


def test_a_record_without_orders_compared_none() -> None:
    assert said(*READ).startswith(f"No active order was found. {QUIET}")


TICAGRELOR = "dose-cyp2c19-clopidogrel-ticagrelor"


def proposed(key: str, **elements: str) -> Json:
    return {**drawn(*LOOP)[key].resource, "id": key[-12:], "meta": {"versionId": "1"}, **elements}


@pytest.mark.parametrize("drug", ["ticagrelor", "prasugrel"])
def test_an_order_that_a_signed_plan_made_is_named_as_not_checked(drug: str) -> None:
    signed = at_stage(proposed(f"dose-cyp2c19-clopidogrel-{drug}"), "signed")
    begin = f"Not checked: {drug}, ordered by a signed plan of careloop."
    assert said(*READ, signed).startswith(f"Compared: 0 of 1 active orders. {begin} {QUIET}")
    assert said(*LOOP, signed).startswith(f"Compared: 2 of 3 active orders. {begin} 1 gene-")


def test_a_signed_order_of_ours_opens_no_plan_and_speaks_in_no_rule() -> None:
    signed = at_stage(proposed(TICAGRELOR), "signed")
    assert inputs_of(*LOOP, signed).content == inputs_of(*LOOP).content
    assert findings(*LOOP, signed) == findings(*LOOP)


@pytest.mark.parametrize("status", ["draft", "stopped", "completed", "cancelled"])
def test_a_proposal_or_an_ended_order_of_ours_is_no_active_order(status: str) -> None:
    ended = proposed(TICAGRELOR, intent="order", status=status)
    assert "Compared: 2 of 2 active orders. 1 gene-" in said(*LOOP, ended)


@pytest.mark.parametrize("drugs", [("clopidogrel", "omeprazole"), ("warfarin", "aspirin")])
def test_each_sentence_of_a_plan_begins_as_one(drugs: tuple[str, str]) -> None:
    description = said(*READ, *(order(drug) for drug in drugs))
    assert " No gene-guided proposals, " in description, description
    begun = re.split(r"(?<=[.]) ", description)
    assert all(sentence[0].isupper() or sentence[0].isdigit() for sentence in begun), begun
