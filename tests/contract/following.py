"""Steps that the contract tests share: sending, polling until something holds, committing what came."""

import time
from collections.abc import Callable, Iterable, Sequence

from shared.stream.base import Log, Message, Record, Source

PATIENCE_SEC = 30.0


def send(log: Log, topic: str, messages: Sequence[Message]) -> None:
    """Append with a sink of its own."""
    sink = log.sink()
    try:
        sink.send(topic, messages, timeout_sec=PATIENCE_SEC)
    finally:
        sink.close()


def numbered(count: int, keys: int = 7) -> list[Message]:
    """`count` messages whose values are their numbers, over `keys` keys."""
    return [Message(b"Patient/%d" % (i % keys), b"%d" % i) for i in range(count)]


def follow(*sources: Source, until: Callable[[list[Record]], bool], patience_sec: float = PATIENCE_SEC) -> list[Record]:
    """Poll the members in turn until it holds of what came; return that."""
    deadline = time.monotonic() + patience_sec
    came: list[Record] = []
    while not until(came):
        assert time.monotonic() < deadline, f"still not after {patience_sec} s; {len(came)} records came"
        for source in sources:
            came += source.poll(0.02)
    return came


def take(source: Source, count: int) -> list[Record]:
    """The next `count` records, and not one more."""
    came = follow(source, until=lambda records: len(records) >= count)
    assert len(came) == count
    return came


def nothing_comes(source: Source, seconds: float = 0.6) -> bool:
    """Whether the source is silent for a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if source.poll(0.05):
            return False
    return True


def ends(records: Iterable[Record]) -> dict[int, int]:
    """The offsets to commit once all of these are finished."""
    result: dict[int, int] = {}
    for record in records:
        result[record.partition] = max(result.get(record.partition, 0), record.offset + 1)
    return result


def numbers(records: Iterable[Record]) -> list[int]:
    """The values of `numbered`, as they came."""
    return [int(record.value or b"-1") for record in records]
