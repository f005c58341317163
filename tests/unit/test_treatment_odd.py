"""Odd records of R4: the plan is drawn, and nothing is read into them."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from shared.fhir import bundle, codes
from shared.json import Json
from tests.unit.treatment_answer import drafts, drawn
from tests.unit.treatment_record import (
    CLOPIDOGREL,
    LOOP,
    allergy,
    condition,
    laboratory,
    order,
    rich,
)

BY_NAME = {"coding": [{"system": "http://example.org/local", "display": "a name without a code"}]}


def named_too(value: Any) -> Any:
    """Add a coding with a display and no code to every CodeableConcept."""
    if isinstance(value, list):
        return [named_too(v) for v in value]
    if isinstance(value, dict):
        inner = {k: named_too(v) for k, v in value.items()}
        first = [
            {"system": c["system"], "display": "without a code"}
            for c in value.get("coding", [])[:1]
            if "system" in c
        ]
        return inner | (
            {"coding": [*first, *BY_NAME["coding"], *value["coding"]]} if "coding" in value else {}
        )
    return value


def test_a_coding_without_a_code_is_passed_over() -> None:
    record = [
        *LOOP,
        condition("230690007", "Stroke"),
        allergy("x", code=codes.concept(codes.SNOMED, "91936005")),
        order("amoxicillin", "723"),
    ]
    record += [laboratory("98979-8", 20, "mL/min"), order("metformin", "6809")]
    odd = [
        named_too(r) if "identifier" not in r else r for r in record
    ]  # what the hospital's own systems wrote
    assert odd != record
    assert drawn(*odd).keys() == drawn(*record).keys()


def test_an_order_s_reason_that_the_record_does_not_hold_is_not_repeated() -> None:
    """An EHR may refuse all of a plan for a reference to an unknown Condition.

    The Condition may be gone, or be another server's with an id that some patient has here.
    """
    here, gone = condition("53741008", "Coronary arteriosclerosis"), "Condition/gone"
    reasons = [
        codes.reference(r)
        for r in (f"Condition/{here['id']}", gone, "https://other.example/fhir/Condition/7")
    ]
    record = [here, *({**r, "reasonReference": reasons} if r is CLOPIDOGREL else r for r in LOOP)]
    request = drawn(*record)["dose-cyp2c19-clopidogrel-ticagrelor"].resource
    assert [
        r["reference"]
        for r in request["reasonReference"]
        if r["reference"].startswith("Condition/")
    ] == [f"Condition/{here['id']}"]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every element and list item of a resource."""
    for key, inner in (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    ):
        yield (*path, key)
        yield from places(inner, (*path, key))


def without(resource: Json, path: tuple[Any, ...]) -> Json:
    copied = deepcopy(resource)
    place: Any = copied
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return copied


def test_no_missing_element_costs_the_plan() -> None:
    """Whatever one element of the record is missing, a plan is drawn, each key once."""
    record = list(rich())
    for at, resource in enumerate(record):
        for path in places(resource):
            if path not in (("resourceType",), ("id",)):
                plan = drafts(*record[:at], without(resource, path), *record[at + 1 :])
                assert bundle.report_of(plan), (resource["resourceType"], path)
