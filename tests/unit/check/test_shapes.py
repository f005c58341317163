"""Check: a shape that was accepted is not parsed again, and hides nothing."""

import copy
from random import Random
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from shared.errors import InvalidResource
from shared.fhir.check import check
from shared.fhir.shape import shape_of
from shared.fhir.structure import Scope, resource_problems
from shared.json import Json
from tests.unit.check.support import RECORD, example, mutant, places

VALUES: tuple[Any, ...] = (
    "a", " a", "a b", "http://a b", "http://[", "//", "?", "urn:x", "Patient/1", "Patient/../1",
    "2026", "2026-02", "2026-02-28", "2026-02-30", "0000-01-01", "2026-13",
    "2026-02-28T10:00:00Z", "2026-02-30T10:00:00Z", "2026-02-28T24:00:00Z",
    "2026-02-28T10:00:60Z", "2026-02-28T10:00:00.123456789+14:00", "9999-12-31T23:59:59-12:00",
    "10:00:00", "10:00:60", "24:00:00", "QUJD", "QUJ", "QUJD====", "\u00a0", "\x1f", "\ud83d\ude00",
    0, 1, -1, 2**31 - 1, 10**30, 1.5, 1e-7, 1e300, -0.0, True, False,
)  # fmt: skip


def parses(resource: Json) -> bool:
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValidationError:
        return False
    return True


def passes_the_table(resource: Json) -> bool:
    return not list(resource_problems(resource, "x", Scope()))


@pytest.mark.parametrize("seed", range(8))
def test_what_has_the_shape_of_an_accepted_resource_would_be_parsed(seed: int) -> None:
    random = Random(seed)
    same = 0
    for _ in range(400):
        accepted = random.choice(RECORD["entry"])["resource"]
        resource = copy.deepcopy(accepted)
        container, key = random.choice(list(places(resource)))
        container[key] = random.choice(VALUES)
        if passes_the_table(resource) and shape_of(resource) == shape_of(accepted):
            same += 1
            assert parses(resource), (key, container[key])
    assert same > 20


def test_no_shape_of_a_valid_resource_lets_a_broken_one_pass() -> None:
    check(example("Provenance"))
    for moment in ("2026-02-30T00:00:00Z", "2026-02-28T10:00:61Z", "2026-04-31T00:00:00+02:00"):
        with pytest.raises(InvalidResource, match=r"Provenance\.recorded: "):
            check(mutant("Provenance", recorded=moment))


def test_values_do_not_change_the_shape_and_structure_does() -> None:
    task = example("Task")
    later = task | {"authoredOn": "2026-12-31T23:59:59.999Z", "description": "other words"}
    early = task | {"authoredOn": "2026-01-01T00:00:00Z", "description": "words"}
    assert shape_of(later) == shape_of(early)
    others = [task | {"note": note} for note in ([{"text": "x"}], 1, ["x"], None)]
    assert len({shape_of(resource) for resource in (task, *others)}) == 5


def test_a_list_has_the_shapes_of_its_items_however_many() -> None:
    report = example("DiagnosticReport")
    one = {"reference": "Observation/1"}
    many = [{"reference": f"Observation/{n}"} for n in range(50)]
    assert shape_of(report | {"result": [one]}) == shape_of(report | {"result": many})
    assert shape_of(report | {"result": [one]}) != shape_of(report | {"result": [*many, {"x": 1}]})
