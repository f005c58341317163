"""Steps that the contract tests share: sending, polling until something holds, committing what
came.
"""

import time
from collections.abc import Callable, Iterable, Sequence

from shared.errors import Fenced, Unavailable
from shared.stream.base import Log, Message, Record, Source

PATIENCE_SEC = 60.0


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


def follow(
    *sources: Source, until: Callable[[list[Record]], bool], patience_sec: float = PATIENCE_SEC
) -> list[Record]:
    """Poll the members in turn until it holds of what came; return that."""
    deadline = time.monotonic() + patience_sec
    came: list[Record] = []
    while not until(came):
        assert time.monotonic() < deadline, (
            f"still not after {patience_sec} s; {len(came)} records came"
        )
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


def commit(source: Source, records: Iterable[Record], *others: Source) -> None:
    """Commit what is ours of it; again after polling while the group is being put in order, as the
    runtime does.
    """
    records = list(records)
    deadline = time.monotonic() + PATIENCE_SEC
    while True:
        try:
            return source.commit(
                {p: offset for p, offset in ends(records).items() if p in source.assignment()}
            )
        except Unavailable:
            assert time.monotonic() < deadline
            for member in (source, *others):
                records += member.poll(0.02)


def fenced(source: Source, records: Sequence[Record], *others: Source) -> frozenset[int]:
    """Commit all of it and return the partitions for which that is refused."""
    while True:
        try:
            source.commit(ends(records))
        except Fenced as error:
            return error.partitions
        except Unavailable:
            for member in (source, *others):
                member.poll(0.02)
        else:
            return frozenset()
