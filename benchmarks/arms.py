"""The three arms of the comparison, on events that were prepared beforehand.

Each returns seconds, nothing is judged here.

M calls the model and nothing else. S is what a capable engineer would write as a script: decode,
take, analyze, put, one event after another (or `writers` at once), no log, no lanes. P is the whole
pipeline in its own process, fed through the event log
and read back from the EHR: an event is finished when the EHR says so (`meta.lastUpdated` of its
head), in all arms alike.
"""

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.words import WORDS, Inputs, analyze, note
from shared import instants
from shared.answers import Answer, Head
from shared.ehr.client import Ehr
from shared.errors import Conflict
from shared.events import decode, encode
from shared.fhir import bundle
from shared.fhir.summary import event_of
from shared.json import Json
from shared.runtime.line import Case, Line
from shared.stream.base import EVENTS_TOPIC, Message, Sink

PER_TRANSACTION = 50
LONGEST_SEC = 120.0
LOOK_SEC = 0.1


@dataclass(frozen=True)
class Prepared:
    """One event whose note stands at the EHR, and which nobody has analysed."""

    reference: str
    message: Message


@dataclass(frozen=True)
class Block:
    """One arm, measured once.

    Attributes:
        seconds: from the first event's start to the last one's result.
        latencies: per event, from its start (in P: from when it was due to be appended) to its
            result.
    """

    seconds: float
    latencies: Sequence[float]


def prepare(
    ehr: Ehr, patients: Sequence[str], first: int, count: int, model_ms: int
) -> list[Prepared]:
    """Write notes at the EHR, and the records of their events.

    They are numbered from `first`, in turn of the patients.
    """
    notes = [note(patients[n % len(patients)], n, model_ms) for n in range(first, first + count)]
    made: list[Prepared] = []
    for start in range(0, count, PER_TRANSACTION):
        some = notes[start : start + PER_TRANSACTION]
        references = write_new(ehr, some)
        for reference, resource in zip(references, some, strict=True):
            stored = resource | {
                "id": reference.split("/")[1],
                "meta": {"versionId": "1", "lastUpdated": instants.now()},
            }
            made.append(Prepared(reference, Message(*encode(event_of(stored, "create"), ehr.base))))
    return made


def write_new(ehr: Ehr, new: Sequence[Json]) -> list[str]:
    """Write resources of one type in one transaction; their references.

    (All are alike but for their content: any order will do.)
    """
    entries = [
        bundle.post(resource, f"urn:uuid:00000000-0000-4000-8000-{n:012d}")
        for n, resource in enumerate(new)
    ]
    written = ehr.transact({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    return [
        "/".join(e["response"]["location"].split("/_history/")[0].split("/")[-2:]) for e in written
    ]


def model_alone(count: int, model_ms: int) -> Block:
    """Arm M: the model on inputs that lie in memory."""
    inputs = [
        Inputs("Patient/1", f"{model_ms} note {n}", model_ms / 1000, {}) for n in range(count)
    ]
    started = time.perf_counter()
    latencies = []
    for each in inputs:
        began = time.perf_counter()
        analyze([each])
        latencies.append(time.perf_counter() - began)
    return Block(time.perf_counter() - started, latencies)


def script(line: Line, prepared: Sequence[Prepared], writers: int = 1) -> Block:
    """Arm S: each event from its bytes to its result; `writers` of them at once."""
    started = time.time()
    with ThreadPoolExecutor(writers) as pool:
        begun = list(pool.map(lambda p: straight(line, p.message), prepared))
    finished = results(line.ehr, prepared)
    return Block(
        max(finished) - started, [end - start for start, end in zip(begun, finished, strict=True)]
    )


def straight(line: Line, message: Message) -> float:
    """One event; returns when it began. A Conflict starts it again, as in the runtime."""
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


def pipeline_at_once(ehr: Ehr, sink: Sink, prepared: Sequence[Prepared]) -> Block:
    """Arm P at saturation: all events are appended at once."""
    started = time.time()
    sink.send(EVENTS_TOPIC, [p.message for p in prepared], timeout_sec=30.0)
    finished = results(ehr, prepared)
    return Block(max(finished) - started, [end - started for end in finished])


def pipeline_paced(
    ehr: Ehr, sink: Sink, prepared: Sequence[Prepared], per_sec: float, rng: random.Random
) -> Block:
    """Run arm P at a rate.

    An event is due every 1/rate seconds, give or take half of it; its latency counts from then.
    """
    due, moment = [], time.time()
    started = moment
    for each in prepared:
        moment += rng.uniform(0.5, 1.5) / per_sec
        due.append(moment)
        time.sleep(max(0.0, moment - time.time()))
        sink.send(EVENTS_TOPIC, [each.message])
    finished = results(ehr, prepared)
    return Block(
        max(finished) - started, [end - start for start, end in zip(due, finished, strict=True)]
    )


def results(ehr: Ehr, prepared: Sequence[Prepared]) -> list[float]:
    """Return when each event had its result.

    In seconds since the epoch, to the EHR's millisecond. It looks rarely, so as not to disturb.

    Raises:
        RuntimeError: an event has no result after `LONGEST_SEC`, or more than one.
    """
    deadline = time.monotonic() + LONGEST_SEC
    found: list[float] = []
    for each in reversed(prepared):
        while (end := result(ehr, each.reference)) is None:
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"{len(prepared) - len(found)} of {len(prepared)} events have no result after "
                    f"{LONGEST_SEC:.0f} s"
                )
            time.sleep(LOOK_SEC)
        found.append(end)
    return found[::-1]


def result(ehr: Ehr, reference: str) -> float | None:
    """When the answer's head got its result; None while it has none."""
    heads: Sequence[Head] = ehr.heads(Answer(WORDS.name, reference))
    if not heads or heads[0].outcome == "draft":
        return None
    if len(heads) > 1 or heads[0].outcome != "requested" or "report" not in heads[0].outputs:
        raise RuntimeError(f"an event ended as {[h.outcome for h in heads]}, not in one result")
    return instants.parse(heads[0].task["meta"]["lastUpdated"]).timestamp()
