"""Arms M and S: the model alone, and a capable engineer's script.

The script decodes, takes, analyses and puts, one event after another (or `writers` at once): no
log, no lanes.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.arms.prepared import Prepared
from benchmarks.words import WORDS, Inputs, analyze
from shared.errors import Conflict
from shared.events import decode
from shared.runtime.line import Case, Line
from shared.stream.base import Message

Paces = Iterable[float]
"""Seconds from each event to the next one that is due."""


def model_alone(count: int, model_ms: int) -> list[float]:
    """Run arm M on inputs in memory; return the seconds of each."""
    inputs = [
        Inputs("Patient/1", f"{model_ms} note {n}", model_ms / 1000, {}) for n in range(count)
    ]
    took = []
    for each in inputs:
        began = time.perf_counter()
        analyze([each])
        took.append(time.perf_counter() - began)
    return took


def at_once(line: Line, prepared: Sequence[Prepared], writers: int = 1) -> list[float]:
    """Run arm S on all events, `writers` at a time; return when each began."""
    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(lambda p: straight(line, p.message), prepared))


def paced(line: Line, prepared: Sequence[Prepared], paces: Paces) -> list[float]:
    """Run arm S at a pace; return when each event was due."""
    moments = []
    for moment, each in due(prepared, paces):
        straight(line, each.message)
        moments.append(moment)
    return moments


def due(prepared: Iterable[Prepared], paces: Paces) -> Iterator[tuple[float, Prepared]]:
    """Yield each event when it is due, with that moment, however late its reader is."""
    moment = time.time()
    for each, pace in zip(prepared, paces, strict=False):
        moment += pace
        time.sleep(max(0.0, moment - time.time()))
        yield moment, each


def straight(line: Line, message: Message) -> float:
    """Work on one event; return when it began.

    A Conflict starts it again, as in the runtime.
    """
    began = time.time()
    while True:
        try:
            case = line.take(decode(message.value, message.headers))
            assert isinstance(case, Case), "a note that is new is analysed"
            (words,) = WORDS.analyze([case.inputs], line.model)
            line.put(case, words)
        except Conflict:
            continue
        return began
