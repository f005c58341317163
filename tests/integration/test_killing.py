"""The kills of tests/kills meet services that are up and ready, in the order of the plan."""

import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from services.clinic.children import Child, stop
from tests.kills import killing
from tests.kills.killing import Killing
from tests.kills.plan import Kill, Plan
from tests.kills.reckoning import Reckoning
from tests.kills.run import Asked, Result
from tests.kills.table import table

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
WARM_UP_SEC = 0.4


class Broker:
    """A broker that is up or away."""

    def __init__(self, done: list[tuple[str, bool]]) -> None:
        self.done, self.is_up = done, True

    def kill(self) -> None:
        self.done.append(("broker", self.is_up))
        self.is_up = False

    def start(self) -> None:
        self.is_up = True


class Clinic:
    """Services that sleep, and are ready a moment after their start.

    Attributes:
        done: each SIGKILL: the victim, and whether it was up and ready.
        never_ready: services of which that never comes.
    """

    def __init__(self, *names: str) -> None:
        self.children = {name: Child(name, SLEEP, {}) for name in names}
        self.done: list[tuple[str, bool]] = []
        self.never_ready: set[str] = set()
        self.busy: set[str] = set()
        self.broker = Broker(self.done)
        for name in names:
            self.start(name)

    def start(self, name: str) -> None:
        self.children[name].start()

    def ready(self, name: str) -> bool:
        child = self.children[name]
        is_warm = time.monotonic() > child.started_at + WARM_UP_SEC
        return is_warm and name not in self.never_ready

    def in_work(self, name: str) -> int:
        return 2 if name in self.busy else 0

    def kill(self, name: str) -> None:
        child = self.children[name]
        self.done.append((name, child.alive and self.ready(name)))
        assert child.process
        child.process.kill()
        child.process.wait()


class Load(threading.Thread):
    """A load that is over at once."""

    def __init__(self) -> None:
        super().__init__()
        self.done, self.error = 0, None


@pytest.fixture
def clinic() -> Iterator[Clinic]:
    made = Clinic("a", "b")
    yield made
    stop(list(made.children.values()))


def carried_out(clinic: Any, *kills: Kill) -> Killing:
    load: Any = Load()
    found = Killing(clinic, load, lambda _: None, ["a", "b"])
    found.carry_out(Plan(0.0, [], kills))
    return found


def test_a_kill_waits_until_its_victim_is_up_and_ready_and_the_order_stays(clinic: Clinic) -> None:
    clinic.busy.add("a")
    drawn = [Kill(0.0, "a", 0.3), Kill(0.0, "a", 0.0), Kill(0.01, "b", 0.2), Kill(0.02, "a", 0.0)]
    found = carried_out(clinic, *drawn)
    assert clinic.done == [("a", True), ("a", True), ("b", True), ("a", True)]
    assert (found.kills, found.at_work, found.missed, found.died) == (4, 3, [], [])
    assert all(child.alive for child in clinic.children.values())


def test_a_broker_that_is_away_is_killed_when_it_is_back(clinic: Clinic) -> None:
    found = carried_out(clinic, Kill(0.0, "broker", 0.3), Kill(0.0, "broker", 0.0))
    assert clinic.done == [("broker", True), ("broker", True)] and found.missed == []


def test_a_kill_of_what_ended_by_itself_is_missed(clinic: Clinic) -> None:
    time.sleep(WARM_UP_SEC)
    process = clinic.children["b"].process
    assert process
    process.kill()
    process.wait()
    found = carried_out(clinic, Kill(0.0, "b", 0.0), Kill(0.0, "a", 0.0))
    assert found.missed == ["b had ended by itself"]
    assert clinic.done == [("b", False), ("a", True)]


def test_a_victim_that_is_never_ready_is_missed_and_the_others_are_killed(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(killing, "READY_SEC", 0.6)
    clinic.never_ready.add("b")
    found = carried_out(clinic, Kill(0.0, "b", 0.0), Kill(0.0, "a", 0.0))
    assert [what.split()[0] for what in found.missed] == ["b"]
    assert (clinic.done, found.kills) == ([("a", True)], 1)


def test_a_missed_kill_is_a_fault_and_the_table_counts_those_in_work() -> None:
    nothing = Reckoning(0, {}, {}, [], [], [], [])
    asked = Asked(7, 20, 5, "sekmet", "sqlite")
    sound = Result(asked, 5, 2, [], [], [], 1.0, 1.0, nothing, [], [])
    assert sound.faults == []
    assert "| SIGKILLs | 5, each of what was up and ready; 2 hit a service" in table(sound)
    missed = Result(asked, 5, 2, ["b had ended"], [], [], 1.0, 1.0, nothing, [], [])
    assert missed.faults == ["SIGKILL missed: b had ended"]
