"""Lanes: the order of work within a partition, and its finished offset.

One thread alone uses them; no I/O.

Records of one key form a lane and are worked on in order. Of several records of one answer in a
lane the last stands for the earlier ones, which are *covered*: done when it is done. The highest
contiguous finished offset is committed.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.events import ResourceEvent
from shared.stream.base import Record

QUIET_AT_MOST = 10
"""Times the quiet period: a patient with events that never stop still gets a plan."""


@dataclass
class Burial:
    """The giving up of a record: first its dead letter, then its head.

    Attributes:
        error: what its work ended in.
        attempts: how often unexpected errors were met.
        stored: its dead letter is in the dead-letter topic.
    """

    error: BaseException
    attempts: int
    stored: bool = False


@dataclass(eq=False)
class Item:
    """One record on its way.

    Attributes:
        event: None when the record is undecodable.
        answer: what it asks for; items of one lane with the same answer cover each other.
            Undecodable: unique.
        arrived: monotonic seconds.
        not_before: monotonic seconds; a lane that waits does not hold up the others.
        attempts: how often unexpected errors were met, in its work or, once it is given up, in its
            burial.
        waits: how often it was put back to wait, for the back-off.
        conflicts: how often somebody else wrote first.
        waited_for: the dependency that it waited for last, until it is done.
        burial: it was given up; it is not worked on again.
        settled_before: how many records the service had settled when the EHR last answered 500 for
            this one.
    """

    record: Record
    event: ResourceEvent | None
    answer: str
    arrived: float
    not_before: float = 0.0
    attempts: int = 0
    waits: int = 0
    conflicts: int = 0
    waited_for: str | None = None
    settled_before: int | None = None
    burial: Burial | None = None
    done: bool = False

    def give_up(self, error: BaseException) -> None:
        """Give the record up; from now on errors and attempts are those of its burial."""
        self.burial = Burial(error, self.attempts)
        self.attempts = self.waits = self.conflicts = 0


@dataclass(eq=False)
class Unit:
    """The last record of an answer in its lane, and the records covered by it."""

    last: Item
    covered: list[Item]

    @property
    def items(self) -> list[Item]:
        """All of them, the last one last."""
        return [*self.covered, self.last]

    @property
    def only_deletes(self) -> bool:
        """Whether no record had something to analyse."""
        return all(i.event is not None and i.event.action == "delete" for i in self.items)


@dataclass
class _Partition:
    unfinished: deque[Item] = field(default_factory=deque)
    lanes: dict[bytes, deque[Item]] = field(default_factory=dict)
    busy: set[bytes] = field(default_factory=set)


class Lanes:
    """The lanes of our partitions.

    Args:
        quiet_sec: an answer's newest record must be this old before it is worked on.
    """

    def __init__(self, quiet_sec: float = 0.0) -> None:
        self._quiet_sec = quiet_sec
        self._partitions: dict[int, _Partition] = {}

    def add(self, item: Item) -> None:
        """Add a record, in the order of its partition.

        A record that is done already only counts for the commit.
        """
        partition = self._partitions.setdefault(item.record.partition, _Partition())
        partition.unfinished.append(item)
        if item.done:
            return
        partition.lanes.setdefault(item.record.key, deque()).append(item)

    def drop(self, partitions: frozenset[int]) -> None:
        """Forget the records of lost partitions; their new owner gets them again."""
        for partition in partitions:
            self._partitions.pop(partition, None)

    def take(self, now: float) -> Iterator[Unit]:
        """Yield the units ready for work, at most one per lane.

        Each is busy until `release` or `finish`. Take as many as there is room for: a partition
        that gave one is asked last the next time, so no partition starves.
        """
        for number, partition in list(self._partitions.items()):
            for key, lane in list(partition.lanes.items()):
                if key not in partition.busy and (unit := self._unit(lane, now)):
                    partition.busy.add(key)
                    self._partitions[number] = self._partitions.pop(number)
                    yield unit

    def _unit(self, lane: deque[Item], now: float) -> Unit | None:
        first = lane[0]
        same = [i for i in lane if i.answer == first.answer]
        # Only the last record's wait counts: what the earlier ones waited for is covered by it.
        if same[-1].not_before > now:
            return None

        quiet = (
            now - same[-1].arrived >= self._quiet_sec
            or now - first.arrived >= QUIET_AT_MOST * self._quiet_sec
        )
        return Unit(same[-1], same[:-1]) if quiet else None

    def release(self, unit: Unit) -> None:
        """Put back a unit; it may be taken again after its `not_before`."""
        if partition := self._of(unit):
            partition.busy.discard(unit.last.record.key)

    def finish(self, unit: Unit) -> None:
        """Mark a unit as settled: its records are done."""
        for item in unit.items:
            item.done = True
        if not (partition := self._of(unit)):
            return

        key = unit.last.record.key
        partition.busy.discard(key)
        rest = deque(i for i in partition.lanes[key] if not i.done)
        if rest:
            partition.lanes[key] = rest
        else:
            del partition.lanes[key]

    def _of(self, unit: Unit) -> _Partition | None:
        """Return the unit's partition; None if we lost it meanwhile, even if it came back."""
        partition = self._partitions.get(unit.last.record.partition)
        lane = partition.lanes.get(unit.last.record.key) if partition else None
        return partition if lane and unit.last in lane else None

    def finished(self) -> dict[int, int]:
        """Return partition -> next offset to read, as far as finished since the last call."""
        offsets = {}
        for number, partition in self._partitions.items():
            while partition.unfinished and partition.unfinished[0].done:
                offsets[number] = partition.unfinished.popleft().record.offset + 1
        return offsets

    def full(self, window: int) -> frozenset[int]:
        """List the partitions with this many unfinished records or more: read no further."""
        return frozenset(n for n, p in self._partitions.items() if len(p.unfinished) >= window)

    @property
    def unfinished(self) -> int:
        """How many records were read and are not done."""
        return sum(1 for p in self._partitions.values() for i in p.unfinished if not i.done)

    def oldest_sec(self, now: float) -> float:
        """Return the age of the oldest unfinished record, from its append; 0 if none.

        Args:
            now: seconds since the epoch, as a record's `timestamp`.
        """
        firsts = (
            next((i.record.timestamp for i in p.unfinished if not i.done), now)
            for p in self._partitions.values()
        )
        return max(0.0, now - min(firsts, default=now))
