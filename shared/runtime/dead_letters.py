"""Dead letters: records that a service gave up, kept for people in `careloop.dead-letter.SERVICE`.

A dead letter is the original key, value and headers, then headers of ours that say what went wrong
and where the record stood. A replay appends the record to its topic again and then a marker to the
dead-letter topic; a crash between the two leaves the letter open, and replaying it once more
changes nothing in the EHR.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from traceback import extract_tb

from shared.errors import CareloopError, Misconfigured
from shared.events import Headers
from shared.stream.base import Log, Message, Record, Sink, dead_letter_topic

OURS = tuple(
    f"careloop-{name}"
    for name in ("error", "message", "service", "topic", "partition", "offset", "attempts", "time")
)
REPLAY_OF = "careloop-replay-of"
"""On a replayed record: `topic/partition/offset` of the original."""
REPLAYED = "careloop-replayed"
"""On the marker in the dead-letter topic: the same."""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class DeadLetter:
    """One record that a service gave up.

    Attributes:
        service: who gave it up.
        error: the error's class.
        message: what it said, or for an error that is not ours the line of code; no patient data.
        topic, partition, offset: where the record stands.
        attempts: tries before it was given up.
        time: seconds since the epoch when it was given up first.
        replayed: it was appended again since.
        key, value, headers: the record's own. The value may identify a person: it is shown only
            when asked for.
    """

    service: str
    error: str
    message: str
    topic: str
    partition: int
    offset: int
    attempts: int
    time: float
    replayed: bool
    key: bytes
    value: bytes | None
    headers: Headers

    @property
    def id(self) -> str:
        """`partition-offset`: what people type."""
        return f"{self.partition}-{self.offset}"

    @property
    def place(self) -> str:
        """`topic/partition/offset`."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def bury(sink: Sink, service: str, record: Record, error: BaseException, attempts: int) -> None:
    """Store the dead letter of a record; durable when it returns.

    Raises:
        Unavailable: not known to be stored; the record must not be committed.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    values = (
        type(error).__name__,
        harmless(error),
        service,
        record.topic,
        record.partition,
        record.offset,
        attempts,
        now,
    )
    headers = [
        *record.headers,
        *((name, str(value).encode()) for name, value in zip(OURS, values, strict=True)),
    ]
    sink.send(dead_letter_topic(service), [Message(record.key, record.value, headers)])


def harmless(error: BaseException) -> str:
    """What may be kept of an error.

    Ours hold no patient data; of another's text nobody knows, so the line that raised it stands in.
    """
    if isinstance(error, CareloopError):
        return str(error)
    frames = [
        frame
        for frame in extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(ROOT) and ".venv" not in frame.filename
    ]
    return (
        f"in {Path(frames[-1].filename).relative_to(ROOT)}, line {frames[-1].lineno}"
        if frames
        else ""
    )


def letters(log: Log, service: str) -> list[DeadLetter]:
    """The service's dead letters, one per record, the oldest first.

    Raises:
        Misconfigured: the service has no dead-letter topic yet; the message names the command that
            makes it.
        Unavailable: the log can't be reached.
    """
    return read(log.scan(dead_letter_topic(service)))


def read(records: Iterable[Record]) -> list[DeadLetter]:
    """The same, of the records of a dead-letter topic; what is not ours is passed over."""
    found: dict[str, DeadLetter] = {}
    for record in records:
        replayed = dict(record.headers).get(REPLAYED, b"").decode()
        letter = _letter(record)
        if replayed in found:
            found[replayed] = replace(found[replayed], replayed=True)
        elif letter:
            # Buried again: a crash came between letter and commit, or the whole topic was replayed.
            # It is open either way.
            found[letter.place] = replace(letter, time=found.get(letter.place, letter).time)
    return sorted(found.values(), key=lambda letter: letter.time)


def replay(log: Log, sink: Sink, service: str, ids: Sequence[str]) -> list[DeadLetter]:
    """Append the records of these letters (`DeadLetter.id`) to their topics again, in the order in
    which they were given up.

    Raises:
        Misconfigured: there is no such letter; nothing was appended.
        Unavailable: not all are known to be appended; those that are not stay open.
    """
    known = {letter.id: letter for letter in letters(log, service)}
    if unknown := [i for i in ids if i not in known]:
        raise Misconfigured(
            f"{service} has no dead letter {', '.join(unknown)}; `careloop dead-letters list "
            f"--service {service}` shows what there is"
        )
    chosen = [letter for letter in known.values() if letter.id in ids]
    for letter in chosen:
        origin = letter.place.encode()
        headers = [(name, value) for name, value in letter.headers if name != REPLAY_OF]
        sink.send(
            letter.topic, [Message(letter.key, letter.value, [*headers, (REPLAY_OF, origin)])]
        )
        sink.send(dead_letter_topic(service), [Message(letter.key, None, [(REPLAYED, origin)])])
    return chosen


def recent(log: Log, service: str, window_sec: float) -> int:
    """How many open letters came within the last `window_sec` seconds: what the dead-letter limit
    counts.
    """
    since = time.time() - window_sec
    return sum(letter.time >= since and not letter.replayed for letter in letters(log, service))


def _letter(record: Record) -> DeadLetter | None:
    ours = record.headers[-len(OURS) :]
    if tuple(name for name, _ in ours) != OURS:
        return None
    said: Mapping[str, str] = {name: value.decode() for name, value in ours}
    return DeadLetter(
        service=said["careloop-service"],
        error=said["careloop-error"],
        message=said["careloop-message"],
        topic=said["careloop-topic"],
        partition=int(said["careloop-partition"]),
        offset=int(said["careloop-offset"]),
        attempts=int(said["careloop-attempts"]),
        time=datetime.fromisoformat(said["careloop-time"]).timestamp(),
        replayed=False,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers[: -len(OURS)]),
    )
