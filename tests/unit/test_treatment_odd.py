"""What R4 allows and few records have: none of it costs the patient the plan, and none of it is
read for what it does not say.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from services.treatment.analyze import find
from services.treatment.model import load_rules
from services.treatment.resources import resources
from shared.answers import Answer
from shared.fhir import bundle, codes
from shared.fhir.drafts import Draft, Pen
from shared.json import Json
from tests.unit.treatment_record import (
    CLOPIDOGREL,
    LOOP,
    PATIENT,
    allergy,
    condition,
    inputs_of,
    laboratory,
    order,
    rich,
)

PEN = Pen(
    Answer("treatment", PATIENT),
    1,
    PATIENT,
    "2026-01-01T00:00:00Z",
    {"m": "Device/d"},
    {"m": "careloop"},
)
BY_NAME = {"coding": [{"system": "http://example.org/local", "display": "a name without a code"}]}


def drawn(*record: Json) -> dict[str, Draft]:
    inputs = inputs_of(*record)
    return {d.key: d for d in resources(inputs, find(inputs, load_rules()), PEN)}


def named_too(value: Any) -> Any:
    """Every CodeableConcept of the resource with one coding more, which has a display and no code."""
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
    """A reference to what is gone, or to another server's Condition with an id that some patient
    has here: an EHR may refuse the whole plan for it.
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
    for at, whole in enumerate(record):
        for path in places(whole):
            if path not in (("resourceType",), ("id",)):
                inputs = inputs_of(*record[:at], without(whole, path), *record[at + 1 :])
                assert bundle.report_of(resources(inputs, find(inputs, load_rules()), PEN)), (
                    whole["resourceType"],
                    path,
                )
