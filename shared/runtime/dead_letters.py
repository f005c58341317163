"""Dead letters: records given up by a service, in `careloop.dead-letter.SERVICE`.

A dead letter is the original key, value and headers, then headers of ours that say what went wrong
and where the record is. A replay appends the record to its topic again and then a marker to the
dead-letter topic. A crash between the two leaves the letter open, and replaying it once more
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
    """One record given up by a service.

    Attributes:
        service: the service that gave it up.
        error: the error's class.
        message: its text, or for an error that is not ours the line of code; no patient data.
        topic, partition, offset: where the record is.
        attempts: tries before it was given up.
        time: seconds since the epoch when it was first given up.
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
        """`partition-offset`, as people type it."""
        return f"{self.partition}-{self.offset}"

    @property
    def place(self) -> str:
        """`topic/partition/offset`."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def bury(sink: Sink, service: str, record: Record, error: BaseException, attempts: int) -> None:
    """Store the dead letter of a record durably.

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
    ours = [(name, str(value).encode()) for name, value in zip(OURS, values, strict=True)]
    headers = [*record.headers, *ours]
    sink.send(dead_letter_topic(service), [Message(record.key, record.value, headers)])


def harmless(error: BaseException) -> str:
    """Return the part of an error without patient data.

    Our errors hold none. The text of another library's error may, so the line of our code replaces
    it.
    """
    if isinstance(error, CareloopError):
        return str(error)
    frames = [
        frame
        for frame in extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(ROOT) and ".venv" not in frame.filename
    ]
    if not frames:
        return ""
    return f"in {Path(frames[-1].filename).relative_to(ROOT)}, line {frames[-1].lineno}"


def letters(log: Log, service: str) -> list[DeadLetter]:
    """List the service's dead letters, one per record, the oldest first.

    Raises:
        Misconfigured: the service has no dead-letter topic yet; the message names the command that
            makes it.
        Unavailable: the log can't be reached.
    """
    return read(log.scan(dead_letter_topic(service)))


def read(records: Iterable[Record]) -> list[DeadLetter]:
    """List the dead letters among the records of a dead-letter topic.

    Records that are not ours are skipped.
    """
    found: dict[str, DeadLetter] = {}
    for record in records:
        replayed = dict(record.headers).get(REPLAYED, b"").decode()
        letter = _letter(record)
        if replayed in found:
            found[replayed] = replace(found[replayed], replayed=True)
        elif letter:
            # A second letter of one record: after a crash between letter and commit, or after a
            # replay of the topic. It is open either way.
            found[letter.place] = replace(letter, time=found.get(letter.place, letter).time)
    return sorted(found.values(), key=lambda letter: letter.time)


def replay(log: Log, sink: Sink, service: str, ids: Sequence[str]) -> list[DeadLetter]:
    """Append the records of these letters (`DeadLetter.id`) to their topics again.

    They are appended in the order in which they were given up.

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
    """Count the open letters of the last `window_sec` seconds.

    The dead-letter limit compares with this number.
    """
    since = time.time() - window_sec
    return sum(letter.time >= since and not letter.replayed for letter in letters(log, service))


def _letter(record: Record) -> DeadLetter | None:
    ours = record.headers[-len(OURS) :]
    if tuple(name for name, _ in ours) != OURS:
        return None
    field: Mapping[str, str] = {name: value.decode() for name, value in ours}
    return DeadLetter(
        service=field["careloop-service"],
        error=field["careloop-error"],
        message=field["careloop-message"],
        topic=field["careloop-topic"],
        partition=int(field["careloop-partition"]),
        offset=int(field["careloop-offset"]),
        attempts=int(field["careloop-attempts"]),
        time=datetime.fromisoformat(field["careloop-time"]).timestamp(),
        replayed=False,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers[: -len(OURS)]),
    )
