"""Arm P for longer: a soak at a steady rate, and more than it can do.

Both watch the pipeline's memory and descriptors, and count what has not exactly one result.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Final

import psutil

from benchmarks.arms.pipeline import SETTLED, Pipeline
from benchmarks.arms.prepared import PER_TRANSACTION, Prepared
from benchmarks.arms.results import ends
from benchmarks.arms.script import due
from benchmarks.arms.world import World
from shared.stream.base import EVENTS_TOPIC

SAMPLE_SEC: Final = 2.0
LOOK_SEC: Final = 0.5
DRAIN_SEC: Final = 300.0
SOAK_RATE: Final = 10.0
"""Events per second and log: the fake EHR keeps them all in memory."""
TOLD_AFTER: Final = 3000


@dataclass(frozen=True)
class Sample:
    """The pipeline's process at one moment: seconds, bytes, descriptors.

    The seconds count from the first event.
    """

    at: float
    rss: int
    descriptors: int


@dataclass(frozen=True)
class Endured:
    """A pipeline after a long load.

    Attributes:
        load: `soak` or `120 %`.
        per_sec: the rate at which events were really appended.
        samples: from the first event to the last one that was appended.
        lost, wrong: how many events have no result, and another end than one result.
        drain_sec: from the last append to the last result; None: it did not end.
    """

    load: str
    log: str
    per_sec: float
    samples: Sequence[Sample]
    events: int
    lost: int
    wrong: int
    drain_sec: float | None


@dataclass(frozen=True)
class Load:
    """What pipelines have to endure, in turn of the events.

    Attributes:
        per_sec: of all pipelines together.
    """

    name: str
    arms: Mapping[str, Pipeline]
    count: int
    per_sec: float


def overload(at: World, log: str, seconds: float, per_sec: float) -> Endured:
    """Append more than the pipeline can do, for so many seconds; then let it drain."""
    prepared = at.prepared(int(seconds * per_sec), 0)
    load = Load("120 %", {log: at.pipelines[log]}, len(prepared), per_sec)
    [endured] = _endured(at, load, iter(prepared))
    return endured


def soak(at: World, minutes: float, say: Callable[[str], None]) -> list[Endured]:
    """Run all pipelines side by side at a steady rate."""
    rate = SOAK_RATE * len(at.pipelines)
    load = Load("soak", at.pipelines, int(minutes * 60 * rate), rate)
    return _endured(at, load, _ahead(at, load.count, say))


def _ahead(at: World, count: int, say: Callable[[str], None]) -> Iterator[Prepared]:
    """Write the notes a little before they are due.

    All of them at once would fill the EHR first.
    """
    for done in range(0, count, PER_TRANSACTION):
        if done % TOLD_AFTER == 0:
            say(f"soak: {done} of {count} events")
        yield from at.prepared(min(PER_TRANSACTION, count - done), 0)


def _endured(at: World, load: Load, events: Iterator[Prepared]) -> list[Endured]:
    """Put the load on, wait for its end, and look at every event."""
    arms = load.arms
    sent: dict[str, list[Prepared]] = {log: [] for log in arms}
    samples: dict[str, list[Sample]] = {log: [] for log in arms}
    with ExitStack() as stack:
        for arm in arms.values():
            stack.enter_context(arm.running())
        started = sampled = time.time()
        turns = zip(due(events, at.paces(load.count, load.per_sec)), cycle(arms), strict=False)
        for (_, event), log in turns:
            arms[log].sink.send(EVENTS_TOPIC, [event.message])
            sent[log].append(event)
            if time.time() - sampled > SAMPLE_SEC:
                sampled = time.time()
                for name, arm in arms.items():
                    samples[name].append(_sample(arm, sampled - started))
        last = time.time()
        load = replace(load, per_sec=load.count / (last - started))  # what was done, not asked
        in_time = {log: _drained(arm, len(sent[log])) for log, arm in arms.items()}
    return [
        _counted(
            at,
            load,
            log,
            sent=sent[log],
            samples=samples[log],
            last=last if in_time[log] else None,
        )
        for log in arms
    ]


def _counted(
    at: World,
    load: Load,
    log: str,
    *,
    sent: Sequence[Prepared],
    samples: Sequence[Sample],
    last: float | None,
) -> Endured:
    found, lost, wrong = ends(at.watch, sent)
    drain = max(0.0, max(found) - last) if found and last else None
    per_sec = load.per_sec / len(load.arms)
    return Endured(load.name, log, per_sec, samples, len(sent), lost, wrong, drain)


def _sample(arm: Pipeline, at: float) -> Sample:
    process = psutil.Process(arm.process.pid)
    return Sample(at, process.memory_info().rss, process.num_fds())


def _drained(arm: Pipeline, count: int) -> bool:
    """Wait until the pipeline has settled so many events; tell whether it has in time."""
    deadline = time.monotonic() + DRAIN_SEC
    while arm.counted(SETTLED) < count:
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SEC)
    return True
