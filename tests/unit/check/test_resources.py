"""Check: resources."""

import copy
from random import Random

import pytest

from shared.errors import InvalidResource
from shared.fhir import lifecycle
from shared.fhir.check import check, check_bundle
from shared.fhir.drafts import TIMES
from shared.fhir.structure import table
from tests.unit.check.support import MUTANTS, RECORD, RUBBISH, SECRET, example, mutant, places, ref


def test_the_record_passes() -> None:
    check_bundle(RECORD)


@pytest.mark.parametrize(
    "kind", sorted({entry["resource"]["resourceType"] for entry in RECORD["entry"]})
)
def test_each_resource_passes_alone(kind: str) -> None:
    check(example(kind))


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_refused_with_its_place(name: str) -> None:
    resource, expected = MUTANTS[name]
    with pytest.raises(InvalidResource, match=expected) as refused:
        check(resource)
    assert SECRET not in str(refused.value)


def test_what_only_the_data_type_library_knows_is_refused() -> None:
    with pytest.raises(InvalidResource, match=r"Provenance\.recorded: ") as refused:
        check(mutant("Provenance", recorded="2026-02-30T00:00:00Z"))
    assert "2026" not in str(refused.value)


@pytest.mark.parametrize("seed", range(4))
def test_rubbish_anywhere_is_refused_or_harmless_but_never_another_error(seed: int) -> None:
    """200 resources, each with one value put anywhere: check says InvalidResource or nothing."""
    random = Random(seed)
    refused = 0
    for _ in range(200):
        resource = copy.deepcopy(random.choice(RECORD["entry"])["resource"])
        container, key = random.choice(list(places(resource)))
        container[key] = random.choice(RUBBISH)
        try:
            check(resource)
        except InvalidResource:
            refused += 1
    assert refused > 150  # "zz top" is a good title, and True a good valueBoolean


def test_a_long_list_of_problems_is_cut() -> None:
    with pytest.raises(InvalidResource, match=r"and 3 more"):
        check(mutant("DiagnosticReport", result=[ref("Media/m")] * 8))


def test_a_contained_resource_may_be_referred_to() -> None:
    check(
        mutant(
            "Task",
            contained=[{"resourceType": "Basic", "id": "b", "code": {"text": "x"}}],
            focus=ref("#b"),
        )
    )


def test_extensions_beside_a_primitive_are_looked_at() -> None:
    reason = {
        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
        "valueCode": "unknown",
    }
    check(mutant("Provenance", recorded=None, _recorded={"extension": [reason]}))
    with pytest.raises(
        InvalidResource, match=r"Provenance\._recorded\.reason: R4 has no such element"
    ):
        check(mutant("Provenance", recorded=None, _recorded={"reason": SECRET}))
    with pytest.raises(InvalidResource, match=r"Provenance\._agent: only a primitive"):
        check(mutant("Provenance", _agent={"extension": [reason]}))


@pytest.mark.parametrize("kind", sorted(lifecycle.STATUS))
def test_every_stage_of_the_life_cycle_is_a_code_of_its_kind(kind: str) -> None:
    element = lifecycle.STATUS_ELEMENT.get(kind, "status")
    allowed = table().codes[table().types[kind][element]["codes"]]
    assert set(lifecycle.STATUS[kind].values()) <= allowed


@pytest.mark.parametrize("kind", sorted(TIMES))
def test_every_kind_that_drafts_write_is_in_the_table(kind: str) -> None:
    assert set(TIMES[kind]) <= set(table().types[kind])
