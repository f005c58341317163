"""Review decide: which orders end with a new one, and what may be written of them."""

from typing import Any

import pytest

from services.review.access.practitioner import Practitioner
from services.review.decision.exchange.entries import entries, sentences
from services.review.decision.exchange.exchange import all_by_task, exchanges
from services.review.decision.exchange.orders import Order, is_standing
from services.review.result.drugs import substance
from shared.errors import InvalidResource
from shared.fhir import bundle, codes
from shared.json import Json
from tests.browser.clinic import chest_film
from tests.unit.review_decide.support import DOCTOR, NOW, stored

TICAGRELOR = {
    "resourceType": "MedicationRequest",
    "id": "new",
    "status": "draft",
    "intent": "proposal",
    "medicationCodeableConcept": {"text": "ticagrelor"},
    "priorPrescription": {"reference": "MedicationRequest/1"},
}


def order(number: int, text: str, requester: str = "", **elements: Any) -> Order:
    resource = {
        "resourceType": "MedicationRequest",
        "id": str(number),
        "meta": {"versionId": "7", "lastUpdated": NOW, "source": "http://hospital.example"},
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/1"},
        "medicationCodeableConcept": {"text": text},
    } | elements
    return Order(resource, substance(resource), "", (requester, ""))


def endings(*standing: Order, read_only: bool = False, **elements: Any) -> dict[str, str]:
    """Each order that ends -> how."""
    found = exchanges({"new": TICAGRELOR | elements}, standing, read_only=read_only)
    return {end.order.reference.split("/")[1]: end.how for end in found.ends(())}


def test_every_order_of_the_drug_ends_and_no_other() -> None:
    orders = [order(1, "clopidogrel"), order(2, "Plavix 75 mg"), order(3, "omeprazole")]
    assert endings(*orders) == {"1": "stop", "2": "stop"}
    assert endings(*orders, read_only=True) == {"1": "task", "2": "task"}


@pytest.mark.parametrize(
    "elements",
    [
        {"medicationCodeableConcept": {"text": "aspirin / clopidogrel"}},
        {"dosageInstruction": {"text": "not a list"}},
        {"priority": "whenever"},
    ],
)
def test_what_can_t_be_ended_safely_is_left_to_the_prescriber(elements: Json) -> None:
    text = elements.get("medicationCodeableConcept", {}).get("text", "clopidogrel")
    odd = order(2, text, **elements)
    assert endings(order(1, "clopidogrel"), odd) == {"1": "stop", "2": "task"}


def test_an_order_that_the_plan_alone_names_is_left_to_the_prescriber() -> None:
    named = {"supportingInformation": [{"reference": "MedicationRequest/2"}]}
    assert endings(order(1, "clopidogrel"), order(2, "4711"), **named) == {"1": "stop", "2": "task"}


def named_for_a_check(*standing: Order) -> list[str]:
    """What the page names as not recognised."""
    found = exchanges({"new": TICAGRELOR}, standing, read_only=False)
    return [o.name for o in found.unrecognised]


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("DuoPlavin 75 mg/100 mg film-coated tablet", True),
        ("4711", True),
        ("75 mg", True),
        ("insulin aspart", True),
        ("aspirin / foozumab", True),
        ("aspirin 100 mg / 1 tablet", False),
        ("fentanyl 25 mcg/hour patch", False),
        ("omeprazole", False),
        ("simvastatin 40 MG / ezetimibe 10 MG", False),
        ("Plavix", False),
    ],
)
def test_an_order_that_is_not_recognised_is_named(text: str, is_named: bool) -> None:
    named = named_for_a_check(order(1, "clopidogrel"), order(2, text))
    assert named == ([text] if is_named else [])


def test_nothing_is_named_where_nothing_is_replaced() -> None:
    assert exchanges({}, [order(1, "foozumab")], read_only=False).unrecognised == ()


def test_a_class_of_drugs_ends_nothing_else() -> None:
    glargine, aspart = order(1, "insulin glargine"), order(2, "insulin aspart")
    assert endings(glargine, aspart, order(3, "insulin lispro")) == {"1": "stop"}


def test_alternatives_that_end_the_same_orders_are_named_together() -> None:
    prasugrel = TICAGRELOR | {"id": "other", "medicationCodeableConcept": {"text": "prasugrel"}}
    warfarin = TICAGRELOR | {
        "id": "third",
        "medicationCodeableConcept": {"text": "warfarin"},
        "priorPrescription": {"reference": "MedicationRequest/2"},
    }
    outputs = {"a": TICAGRELOR, "b": prasugrel, "c": warfarin}
    standing = [order(1, "clopidogrel"), order(2, "apixaban")]
    found = exchanges(outputs, standing, read_only=False)
    assert [(names, [e.order.name for e in ends]) for names, ends in found.grouped] == [
        (["ticagrelor", "prasugrel"], ["clopidogrel"]),
        (["warfarin"], ["apixaban"]),
    ]


def test_the_stamp_changes_with_every_order_and_version() -> None:
    one = order(1, "clopidogrel")
    newer = order(1, "clopidogrel", meta={"versionId": "8", "lastUpdated": NOW})
    again = order(1, "clopidogrel", meta={"versionId": "7", "lastUpdated": "2026-03-01T00:00:00Z"})
    unknown = [order(3, "75"), order(3, "75", meta={"versionId": "8", "lastUpdated": NOW})]
    others = [order(2, "Plavix"), *unknown]
    cases = [[one], [newer], [again], *([one, other] for other in others)]
    stamps = {exchanges({"new": TICAGRELOR}, each, read_only=False).stamp for each in cases}
    stamps.add(exchanges({"new": TICAGRELOR}, [one], read_only=True).stamp)
    assert len(stamps) == 7 and exchanges({}, [one], read_only=False).stamp == ""


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, True),
        ({"status": "on-hold"}, True),
        ({"status": "unknown"}, True),
        ({"status": "stopped"}, False),
        ({"status": "completed"}, False),
        ({"status": "draft"}, False),
        ({"intent": "proposal"}, False),
        ({"doNotPerform": True}, False),
    ],
)
def test_which_orders_stand(elements: Json, expected: bool) -> None:
    assert is_standing(order(1, "clopidogrel", **elements).resource) == expected


def written(*standing: Order, read_only: bool = False) -> list[Json]:
    head, _ = stored(chest_film("ImagingStudy/1"))
    found = exchanges({"new": TICAGRELOR}, standing, read_only=read_only).ends(())
    return entries(found, head, "Patient/1", DOCTOR, NOW)


def test_a_stopped_order_keeps_everything_else() -> None:
    old = order(1, "clopidogrel", note=[{"text": "With food."}])
    [entry] = written(old)
    assert entry["request"]["ifMatch"] == 'W/"7"'
    changed = {"status": "stopped", "statusReason": {"text": "Replaced by ticagrelor"}}
    assert entry["resource"] == old.resource | changed | {
        "meta": {"source": "http://hospital.example"}
    }


@pytest.mark.parametrize(
    ("requester", "owned"),
    [
        ("Practitioner/5", True),
        ("PractitionerRole/5", True),
        ("Organization/5", True),
        ("Device/5", False),
        ("https://elsewhere.example/Practitioner/5", False),
        ("#contained", False),
        ("", False),
    ],
)
def test_the_prescriber_owns_the_task_where_the_order_names_one(
    requester: str, owned: bool
) -> None:
    [entry] = written(order(1, "clopidogrel", requester), read_only=True)
    task = entry["resource"]
    assert ("owner" in task) == owned
    assert task["focus"] == {"reference": "MedicationRequest/1"}
    assert task["basedOn"] == [{"reference": "MedicationRequest/new"}]
    assert codes.has_code(task["code"], codes.FHIR_TASK_CODE, "abort")
    bundle.checked([entry])


def test_a_refusal_leaves_every_order_to_its_prescriber() -> None:
    found = exchanges({"new": TICAGRELOR}, [order(1, "clopidogrel")], read_only=False).ends(())
    assert sentences(found) == ["Stopped: clopidogrel."]
    assert sentences(all_by_task(found)) == ["To be stopped by the prescriber: clopidogrel."]


def verified(target: str, who: Practitioner = DOCTOR) -> Json:
    agent = {
        "type": codes.concept(codes.PROVENANCE_AGENT, "verifier"),
        "who": codes.reference(who.reference),
    }
    return {
        "resourceType": "Provenance",
        "target": [codes.reference(target)],
        "recorded": NOW,
        "agent": [agent],
    }


def test_an_order_of_others_is_stopped_by_a_clinician_alone() -> None:
    [stopped] = written(order(1, "clopidogrel"))
    by_her = bundle.post(verified("MedicationRequest/1"), "urn:uuid:5")
    bundle.checked([stopped, by_her])
    with pytest.raises(InvalidResource, match="without a clinician's Provenance"):
        bundle.checked([stopped])
    other = stopped | {"resource": stopped["resource"] | {"status": "active"}}
    with pytest.raises(InvalidResource, match="without the AI label"):
        bundle.checked([other, by_her])
