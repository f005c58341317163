"""Runtime: failures."""

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from shared.errors import Unavailable
from shared.runtime import dead_letters
from shared.runtime.loop import group_of
from shared.stream.base import EVENTS_TOPIC
from tests.integration.runtime.support import PATIENCE_SEC, World, until


def test_a_burst_of_dead_letters_pauses_the_service_and_empties_no_topic(world: World) -> None:
    references = [world.write(f"crash {n}") for n in range(8)]
    world.tell(*references)
    with world.running(settings={"dead_letter_limit": 3, "max_attempts": 1}) as runtime:
        assert until(lambda: bool(runtime.ready()) and runtime.pauses.limited)
        time.sleep(0.5)
        assert len(dead_letters.letters(world.log, "toy")) <= 4
    assert not world.settled(0.1)
    with world.running(settings={"dead_letter_limit": 3}) as again:
        assert until(lambda: again.pauses.limited), "a restart does not reset the count"


def test_what_the_dead_letter_limit_held_up_is_buried_once_the_window_has_passed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.pauses.LIMIT_PAUSE_SEC", 0.1)
    window_sec, clock = 600.0, [0.0]
    monkeypatch.setattr(
        "shared.runtime.dead_letters.time", SimpleNamespace(time=lambda: time.time() + clock[0])
    )
    references = [world.write(f"crash {n}") for n in range(6)]
    world.tell(*references)
    with world.running(
        settings={"dead_letter_limit": 3, "dead_letter_window_sec": window_sec, "max_attempts": 1}
    ) as runtime:
        assert until(lambda: runtime.pauses.limited)
        assert len(dead_letters.letters(world.log, "toy")) < 6
        clock[0] = window_sec
        assert world.settled()
    assert {world.outcome(r) for r in references} == {"failed"}
    assert len(dead_letters.letters(world.log, "toy")) == 6


@pytest.mark.parametrize("fault", ["broker", 409, 412, 429, 500, 503])
def test_a_burial_that_is_interrupted_is_finished(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: str | int
) -> None:
    crash, behind = world.write("crash"), world.write("behind it")
    world.tell(crash)
    real, calls = dead_letters.bury, [0]

    def bury(*args: Any) -> None:
        calls[0] += 1
        if isinstance(fault, int):
            world.fake.faults.fail(
                2, fault, retry_after="0", method="POST"
            )  # of the writes that follow, its head is the first
        elif calls[0] == 1:
            raise Unavailable("broker", "a hiccup")
        real(*args)

    monkeypatch.setattr(dead_letters, "bury", bury)
    with world.running(settings={"max_attempts": 1}):
        assert world.settled()
        world.tell(behind)
        assert until(lambda: world.outcome(behind) == "requested")
    assert world.outcome(crash) == "failed"
    assert [letter.error for letter in dead_letters.letters(world.log, "toy")] == ["MemoryError"]
    assert calls == [2 if fault == "broker" else 1], "what is stored is not stored again"


def test_of_a_record_whose_head_the_ehr_refuses_the_letter_alone_tells(world: World) -> None:
    reference = world.write("crash")
    world.tell(reference)
    world.fake.faults.fail(10**6, 422, method="POST")
    with world.running(settings={"max_attempts": 1}):
        assert world.settled()
    assert world.outcome(reference) is None and len(dead_letters.letters(world.log, "toy")) == 1


def test_two_members_and_a_sudden_death_leave_one_result_each(world: World) -> None:
    patients = [world.ehr.create({"resourceType": "Patient"}).reference for _ in range(8)]
    references = [world.write(f"note {n}", p) for n, p in enumerate(patients * 3)]
    world.tell(*references)
    dying, stop = world.runtime(), threading.Event()
    # works and never commits: a member that dies before its first commit
    dying.commit = lambda source: None  # type: ignore[method-assign]
    thread = threading.Thread(target=dying.run, args=(stop,))
    thread.start()
    with world.running():
        assert until(lambda: world.reports() > 5)
        stop.set()
        thread.join(PATIENCE_SEC)
        assert world.settled()
    assert world.reports() == len(references)
    assert {world.outcome(r) for r in references} == {"requested"}


def test_a_planted_commit_before_write_is_seen(world: World) -> None:
    """The checker of this file must be able to fail: a runtime that commits what it read, then
    dies, loses events.
    """
    references = [world.write(f"note {n}") for n in range(5)]
    world.tell(*references)
    source = world.log.source(EVENTS_TOPIC, group_of("toy"))
    records: list[Any] = []
    assert until(lambda: bool(records.extend(source.poll(0.1)) or len(records) == 5))
    source.commit({r.partition: r.offset + 1 for r in records})
    source.close()
    with world.running():
        assert world.settled()
    assert {world.outcome(r) for r in references} == {None}


def test_signals_of_shutdown_drain_what_is_in_flight(world: World) -> None:
    references = [
        world.write(f"note {n}", world.ehr.create({"resourceType": "Patient"}).reference)
        for n in range(12)
    ]
    world.tell(*references)
    with world.running():
        until(lambda: world.reports() > 0)
    left = world.log.group_lag(EVENTS_TOPIC, group_of("toy"))
    written = world.reports()
    assert written + left >= 12
    with world.running():
        assert world.settled()
    assert world.reports() == 12
