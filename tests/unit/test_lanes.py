"""Lanes: order within a patient, cover, contiguous commits; batches that find their culprit."""

import threading
import time
from collections.abc import Sequence
from itertools import islice
from typing import Any

import pytest

from shared.events import ResourceEvent
from shared.runtime.batching import ModelThread, analyze_each
from shared.runtime.lanes import Item, Lanes
from shared.stream.base import Record


def item(
    offset: int,
    key: str,
    answer: str,
    *,
    arrived: float = 0.0,
    partition: int = 0,
    done: bool = False,
    action: str = "update",
    appended: float = 0.0,
) -> Item:
    event = ResourceEvent(answer, "1", action)  # type: ignore[arg-type]
    return Item(
        Record("t", partition, offset, key.encode(), b"", (), appended),
        event,
        answer,
        arrived,
        done=done,
    )


def filled(*items: Item, quiet_sec: float = 0.0) -> Lanes:
    lanes = Lanes(quiet_sec)
    for each in items:
        lanes.add(each)
    return lanes


def test_one_unit_per_lane_and_lanes_side_by_side() -> None:
    lanes = filled(item(0, "a", "A/1"), item(1, "a", "A/2"), item(2, "b", "B/1"))
    first = list(lanes.take(0))
    assert [u.last.answer for u in first] == ["A/1", "B/1"]
    assert list(lanes.take(0)) == []
    lanes.finish(first[0])
    assert [u.last.answer for u in lanes.take(0)] == ["A/2"]


def test_the_last_record_of_an_answer_stands_for_the_earlier_ones() -> None:
    lanes = filled(item(0, "a", "A/1"), item(1, "a", "A/2"), item(2, "a", "A/1"))
    [unit] = lanes.take(0)
    assert [i.record.offset for i in unit.items] == [0, 2]
    lanes.finish(unit)
    assert lanes.finished() == {0: 1}, "offset 1 is not done: 2 is finished but not contiguous"
    [rest] = lanes.take(0)
    lanes.finish(rest)
    assert lanes.finished() == {0: 3}
    assert lanes.finished() == {}


def test_a_lane_that_waits_does_not_hold_up_others_nor_lets_its_later_records_pass() -> None:
    waiting, later = item(0, "a", "A/1"), item(1, "a", "A/2")
    lanes = filled(waiting, later, item(2, "b", "B/1"))
    waiting.not_before = 10.0
    [unit] = lanes.take(5.0)
    assert unit.last.answer == "B/1"
    lanes.finish(unit)
    assert lanes.finished() == {}
    assert [u.last.answer for u in lanes.take(10.0)] == ["A/1"]


def test_where_there_is_room_for_few_no_partition_starves() -> None:
    lanes = filled(
        *(
            item(n, f"{partition}-{n}", f"A/{partition}-{n}", partition=partition)
            for partition in range(3)
            for n in range(4)
        )
    )
    given = []
    for _ in range(6):
        [unit] = islice(lanes.take(0), 1)
        given.append(unit.last.record.partition)
        lanes.finish(unit)
        lanes.add(item(10 + len(given), "new", f"A/{len(given)}", partition=0))
    assert given == [0, 1, 2, 0, 1, 2]
    assert lanes.unfinished == 12, "what was not taken is still there"


def test_released_units_come_again_and_take_new_records_along() -> None:
    lanes = filled(item(0, "a", "A/1"))
    [unit] = lanes.take(0)
    lanes.add(item(1, "a", "A/1"))
    lanes.release(unit)
    [again] = lanes.take(0)
    assert [i.record.offset for i in again.items] == [0, 1]


def test_a_new_record_does_not_wait_for_the_back_off_of_the_old_one() -> None:
    old = item(0, "a", "A/1")
    lanes = filled(old)
    [unit] = lanes.take(0)
    old.not_before = 60.0
    lanes.release(unit)
    assert list(lanes.take(1.0)) == []
    lanes.add(item(1, "a", "A/1"))
    assert len(list(lanes.take(2.0))) == 1


def test_what_was_dropped_and_came_back_is_not_confused() -> None:
    lanes = filled(item(0, "a", "A/1"))
    [old] = lanes.take(0)
    lanes.drop(frozenset({0}))
    lanes.add(item(0, "a", "A/1"))
    lanes.finish(old)
    assert lanes.finished() == {} and len(list(lanes.take(0))) == 1


def test_records_done_on_arrival_only_count_for_the_commit() -> None:
    lanes = filled(item(0, "a", "", done=True), item(1, "a", "A/1"), item(2, "a", "", done=True))
    assert lanes.finished() == {0: 1}
    [unit] = lanes.take(0)
    lanes.finish(unit)
    assert lanes.finished() == {0: 3} and lanes.unfinished == 0


def test_quiet_waits_for_the_newest_but_not_for_ever() -> None:
    lanes = filled(
        item(0, "a", "A/1", arrived=0.0), item(1, "a", "A/1", arrived=4.0), quiet_sec=5.0
    )
    assert list(lanes.take(8.0)) == []
    assert len(list(lanes.take(9.0))) == 1
    busy = filled(*(item(n, "a", "A/1", arrived=float(n)) for n in range(60)), quiet_sec=5.0)
    assert len(list(busy.take(60.0))) == 1


def test_full_partitions_are_named() -> None:
    lanes = filled(
        *(item(n, f"k{n}", f"A/{n}") for n in range(3)), item(0, "z", "Z/1", partition=1)
    )
    assert lanes.full(3) == frozenset({0})


def test_only_deletes() -> None:
    [unit] = filled(
        item(0, "a", "A/1", action="create"), item(1, "a", "A/1", action="delete")
    ).take(0)
    assert not unit.only_deletes
    [gone] = filled(item(0, "a", "A/1", action="delete")).take(0)
    assert gone.only_deletes


def double(batch: Sequence[int]) -> list[int]:
    if 13 in batch:
        raise ValueError("unlucky")
    return [2 * n for n in batch]


@pytest.mark.parametrize("batch", [[13], [1, 13], [1, 2, 3, 13, 5, 6, 7]])
def test_a_batch_is_halved_until_the_culprit_stands_alone(batch: list[int]) -> None:
    findings = analyze_each(batch, double)
    for given, found in zip(batch, findings, strict=True):
        assert isinstance(found, ValueError) if given == 13 else found == 2 * given


def test_a_wrong_number_of_findings_is_an_error_of_each() -> None:
    assert all(isinstance(f, ValueError) for f in analyze_each([1, 2], lambda batch: [0, 0, 0]))


def test_the_model_thread_batches_what_is_ready() -> None:
    sizes: list[int] = []
    gate, done = threading.Event(), threading.Event()

    def analyze(batch: Sequence[int]) -> list[int]:
        gate.wait(60)
        sizes.append(len(batch))
        return list(batch)

    model = ModelThread(analyze, max_batch=4)
    found: list[Any] = []
    for number in range(9):
        model.submit(number, lambda f: (found.append(f), done.set() if len(found) == 9 else None))
    gate.set()
    assert done.wait(60)
    assert found == list(range(9)) and max(sizes) <= 4 and len(sizes) <= 4
    assert model.one(7) == 7
    model.close()


def test_a_model_tells_for_how_long_it_has_been_at_one_batch() -> None:
    begun, gate, done = threading.Event(), threading.Event(), threading.Event()

    def analyze(batch: Sequence[int]) -> list[int]:
        begun.set()
        gate.wait(60)
        return list(batch)

    model = ModelThread(analyze, max_batch=4)
    assert model.busy_sec() == 0
    model.submit(1, lambda _: done.set())
    assert begun.wait(60)
    first = model.busy_sec()
    time.sleep(0.02)
    assert model.busy_sec() > first > 0
    gate.set()
    assert done.wait(60)
    assert model.busy_sec() == 0
    model.close()


def test_the_oldest_record_that_is_not_done_has_an_age() -> None:
    lanes = filled(
        item(0, "a", "A/1", appended=10.0, done=True),
        item(1, "a", "A/2", appended=20.0),
        item(0, "b", "B/1", appended=15.0, partition=1, done=True),
    )
    assert lanes.oldest_sec(100.0) == 80.0
    [unit] = lanes.take(0)
    lanes.finish(unit)
    assert lanes.oldest_sec(100.0) == 0.0
    assert filled().oldest_sec(100.0) == 0.0
