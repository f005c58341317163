"""Ehr: what it proves at the start."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from shared.ehr import proof
from shared.ehr.client import Ehr
from shared.ehr.guard.abilities import Abilities
from shared.ehr.opening import open_ehr
from shared.errors import Misconfigured, Unavailable
from shared.json import Json
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
        values = ("standing", "part", "If-Match", "If-None-Match", proof.OUTCOME)
        found = (ehr.search("Task", {"identifier": f"{proof.SYSTEM}|{v}"}) for v in values)
        return {(t["id"], t["meta"]["versionId"]) for tasks in found for t in tasks}

    proof.prove(ehr)
    before = left()
    proof.prove(ehr)
    assert left() == before
    assert 3 <= len(before) <= 4


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
        (replace(HAPI, answers_backwards=True), Abilities(False, "If-Match")),
        (replace(SEKMET, refuses_in_batches=405), Abilities(False, None)),
        (replace(SEKMET, refuses_in_batches=404), Abilities(False, None)),
    ],
    indirect=["at"],
    ids=[
        "if-none-match",
        "hapi without batches",
        "neither",
        "late index",
        "answers backwards",
        "refuses each",
        "finds nothing",
    ],
)
def test_each_ability_is_proven_by_itself(at: Ehr, abilities: Abilities) -> None:
    assert proof.recorded(at) is None
    assert proof.prove(at) == abilities
    assert proof.prove(at) == abilities


@pytest.mark.parametrize(
    ("at", "lacking", "found_at_once"),
    [
        (replace(SEKMET, keeps_versions=False), "versions of a resource", True),
        (replace(HAPI, keeps_versions=False), "versions of a resource", True),
        (replace(SEKMET, ignores_if_match=True), "If-Match", True),
        (replace(HAPI, ignores_if_match=True), "If-Match", True),
        (replace(SEKMET, stale_if_match=422), "409 or 412", True),  # type: ignore[arg-type]
        (replace(SEKMET, runs_transactions_as_batches=True), "atomic transactions", True),
        (replace(HAPI, runs_transactions_as_batches=True, index_late_sec=60.0), "atomic", False),
    ],
    indirect=["at"],
)
def test_an_ehr_without_guards_is_refused_at_each_start(
    at: Ehr, lacking: str, found_at_once: bool
) -> None:
    for _ in range(2):
        with pytest.raises(Misconfigured, match=f"lacks {lacking}"):
            proof.prove(at)
    if found_at_once:
        with pytest.raises(Misconfigured, match=f"lacks {lacking}"):
            proof.recorded(at)
    else:
        assert proof.recorded(at) is None


@pytest.mark.parametrize("habits", [SEKMET, HAPI], ids=["sekmet", "hapi"])
def test_what_is_recorded_is_of_the_newest_start(habits: Habits) -> None:
    with FakeEhr(habits) as fake, open_ehr(load_settings(fhir_url=fake.base)) as ehr:
        good = proof.prove(ehr)
        for lost in (
            replace(habits, runs_transactions_as_batches=True),
            replace(habits, ignores_if_match=True),
        ):
            fake.rest.habits = lost
            with pytest.raises(Misconfigured):
                proof.prove(ehr)
            with pytest.raises(Misconfigured):
                proof.recorded(ehr)
            fake.rest.habits = habits
            assert proof.prove(ehr) == good
            assert proof.recorded(ehr) == good
        fake.habits = replace(habits, keeps_versions=False)
        with pytest.raises(Misconfigured, match="versions of a resource"):
            proof.recorded(ehr)


@pytest.mark.parametrize("at", [SEKMET, HAPI], indirect=True, ids=["sekmet", "hapi"])
def test_one_that_is_cut_off_has_proven_nothing(at: Ehr, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = at.transact

    def cut_off(transaction: Json) -> Sequence[Json]:
        if "ifNoneExist" in transaction["entry"][0]["request"]:
            return whole(transaction)
        raise Unavailable("ehr", "it went away")

    monkeypatch.setattr(at, "transact", cut_off)
    for _ in range(2):
        with pytest.raises(Unavailable, match="went away"):
            proof.prove(at)
    monkeypatch.undo()
    assert proof.recorded(at) is None


@pytest.mark.parametrize("habits", [SEKMET, HAPI], ids=["sekmet", "hapi"])
def test_services_that_start_at_the_same_time_wait_for_each_other(habits: Habits) -> None:
    with FakeEhr(habits) as fake, open_ehr(load_settings(fhir_url=fake.base)) as ehr:
        fake.faults.fail(1, 409, method="POST")
        with pytest.raises(Unavailable, match="another service proves"):
            proof.prove(ehr)
        proof.prove(ehr)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_an_ehr_that_is_away_for_a_moment_is_waited_for(status: int) -> None:
    """It is not taken for one that answers no batches, until the next start."""
    with FakeEhr(HAPI) as fake, open_ehr(load_settings(fhir_url=fake.base)) as ehr:
        proven = proof.prove(ehr)
        fake.faults.fail(3, status, retry_after="0", method="POST")
        with pytest.raises(Unavailable):
            proof.recorded(ehr)
        assert proof.recorded(ehr) == proven


@pytest.mark.parametrize("status", [400, 403, 409, 413, 500, 501])
def test_an_ehr_that_refuses_a_batch_is_asked_one_by_one(status: int) -> None:
    with FakeEhr(HAPI) as fake, open_ehr(load_settings(fhir_url=fake.base)) as ehr:
        guard = proof.prove(ehr).create_guard
        fake.faults.fail(1, status, method="POST")
        assert proof.recorded(ehr) == Abilities(False, guard)
