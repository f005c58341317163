"""Ehr: what it proves at the start."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.ehr import proof
from shared.ehr.client import Ehr
from shared.ehr.guard.abilities import Abilities
from shared.ehr.opening import open_ehr
from shared.errors import Misconfigured, Unavailable
from shared.settings import load_settings
from tests.contract.ehr.support import Server
from tests.fakes import HAPI, SEKMET, FakeEhr, Habits


def test_its_abilities_are_what_it_is_known_for(server: Server, ehr: Ehr) -> None:
    guard = "If-Match" if server.habits.creates_under_if_match else None
    for _ in range(2):
        assert proof.prove(ehr) == Abilities(server.habits.batches, guard)
    assert proof.recorded(ehr) == Abilities(server.habits.batches, guard)


def test_it_leaves_a_handful_of_tasks_however_often(ehr: Ehr) -> None:
    def left() -> set[tuple[str, str]]:
        values = ("standing", "part", "If-Match", "If-None-Match")
        found = (ehr.search("Task", {"identifier": f"{proof.SYSTEM}|{v}"}) for v in values)
        return {(t["id"], t["meta"]["versionId"]) for tasks in found for t in tasks}

    proof.prove(ehr)
    before = left()
    proof.prove(ehr)
    assert left() == before
    assert 2 <= len(before) <= 3


@pytest.fixture
def at(request: pytest.FixtureRequest) -> Iterator[Ehr]:
    """An EHR with the habits that the test names."""
    habits: Habits = request.param
    with FakeEhr(habits) as fake, open_ehr(load_settings(fhir_url=fake.base)) as client:
        yield client


@pytest.mark.parametrize(
    ("at", "abilities"),
    [
        (replace(SEKMET, honours_if_none_match=True), Abilities(True, "If-None-Match")),
        (replace(HAPI, batches=False), Abilities(False, "If-Match")),
        (replace(SEKMET, batches=False), Abilities(False, None)),
        (replace(HAPI, index_late_sec=60.0), Abilities(True, "If-Match")),
    ],
    indirect=["at"],
    ids=["if-none-match", "hapi without batches", "neither", "late index"],
)
def test_each_ability_is_proven_by_itself(at: Ehr, abilities: Abilities) -> None:
    assert proof.recorded(at) is None
    assert proof.prove(at) == abilities
    assert proof.prove(at) == abilities


@pytest.mark.parametrize(
    ("at", "lacking"),
    [
        (replace(SEKMET, keeps_versions=False), "versions of a resource"),
        (replace(HAPI, keeps_versions=False), "versions of a resource"),
        (replace(SEKMET, ignores_if_match=True), "If-Match"),
        (replace(HAPI, ignores_if_match=True), "If-Match"),
        (replace(SEKMET, stale_if_match=422), "409 or 412"),  # type: ignore[arg-type]
        (replace(SEKMET, runs_transactions_as_batches=True), "atomic transactions"),
        (replace(HAPI, runs_transactions_as_batches=True, index_late_sec=60.0), "atomic"),
    ],
    indirect=["at"],
)
def test_an_ehr_without_guards_is_refused_at_each_start(at: Ehr, lacking: str) -> None:
    for _ in range(2):
        with pytest.raises(Misconfigured, match=f"lacks {lacking}"):
            proof.prove(at)


@pytest.mark.parametrize("habits", [SEKMET, HAPI], ids=["sekmet", "hapi"])
def test_services_that_start_at_the_same_time_wait_for_each_other(habits: Habits) -> None:
    with FakeEhr(habits) as fake, open_ehr(load_settings(fhir_url=fake.base)) as ehr:
        fake.faults.fail(1, 409, method="POST")
        with pytest.raises(Unavailable, match="another service proves"):
            proof.prove(ehr)
        proof.prove(ehr)
