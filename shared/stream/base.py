"""The contract of the event log: partitions, groups, explicit commits.

`tests/contract/stream` tests all three logs against it.

Order holds within a partition, and the key chooses the partition. Delivery is at least once: what
was not committed comes again, to this member or to the next owner of the partition.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.errors import Misconfigured
from shared.events import Headers

EVENTS_TOPIC = "careloop.events"


def dead_letter_topic(service: str) -> str:
    """Return the topic of a service's dead letters."""
    return f"careloop.dead-letter.{service}"


def no_topic(topic: str) -> Misconfigured:
    """Make the error for a missing topic, with the command to make it."""
    return Misconfigured(f"topic {topic} does not exist; `careloop topics` makes it")


@dataclass(frozen=True)
class Message:
    """A record to append."""

    key: bytes
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True)
class Record:
    """A record at its offset."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: Headers
    timestamp: float
    """Seconds since the epoch, when it was appended."""


class Source(Protocol):
    """A member of a consumer group on one topic.

    One thread alone calls it; `healthy` and `lag` any thread may.
    """

    on_revoked: Callable[[frozenset[int]], None]
    """Called, possibly on another thread while `poll` runs, with the partitions that are no longer
    ours. Must not block.
    """

    def poll(self, timeout_sec: float) -> Sequence[Record]:
        """Read the next records of our partitions, in order within each.

        Returns:
            No records, when none came within the time.

        Raises:
            Unavailable: the log can't be reached. (Kafka's client hides that once it was connected:
                see `healthy`.)
            Misconfigured: the log refuses us, or the topic does not exist (Kafka: when the broker
                was down at `Log.source`).
        """

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Make `offsets` (partition -> next offset to read) durable; never goes back.

        Raises:
            Fenced: some of the partitions belong to another member now; the others were committed.
            Unavailable: not known to be committed; commit again or let it be redelivered.
        """

    def assignment(self) -> frozenset[int]:
        """Return our partitions."""

    def pause(self, partitions: frozenset[int]) -> None:
        """Pause exactly these partitions of ours in `poll`, until the next call."""

    def healthy(self) -> bool:
        """Tell whether we are a member in good standing.

        The log answered within the last three heartbeat intervals at most.
        """

    def lag(self) -> int:
        """Count the uncommitted records of our partitions."""

    def close(self) -> None:
        """Leave the group at once, so others take over."""


class Sink(Protocol):
    """The place to append records. Safe to call from several threads."""

    def send(self, topic: str, messages: Sequence[Message], timeout_sec: float = 5.0) -> None:
        """Append in order; all is durable afterwards.

        Raises:
            Unavailable: not all are known to be durable within the time; sending again may double
                them.
        """

    def close(self) -> None: ...


class Log(Protocol):
    """One event log: opens sources and sinks, and lets people look."""

    def source(self, topic: str, group: str) -> Source:
        """Join the group.

        Raises:
            Misconfigured: the topic does not exist; the message names the command that makes it.
        """

    def sink(self) -> Sink: ...

    def create_topics(self, partitions: int, services: Sequence[str]) -> Sequence[str]:
        """Make the events topic and each service's dead-letter topic (one partition each).

        Returns:
            The topics that are new.
        """

    def missing_topics(self, services: Sequence[str]) -> Sequence[str]:
        """List the same topics, as far as they do not exist."""

    def identity(self, topic: str) -> str:
        """Return the identity of a topic; a new topic of the same name has another.

        Raises:
            Misconfigured: it does not exist. Unavailable: the log can't be reached.
        """

    def scan(self, topic: str) -> Iterator[Record]:
        """Read every present record of the topic, without a group.

        For `dead-letters` and the demo's `settled`.
        """

    def group_lag(self, topic: str, group: str) -> int:
        """Count the uncommitted records of a group, whoever its members are."""

    def group_reset(self, topic: str, group: str) -> None:
        """Let the group read the topic from its start again (a replay).

        No member may be running.
        """
