"""A member of a consumer group on SQLite."""

import time
from collections.abc import Callable, Mapping, Sequence

from shared.stream.base import Record
from shared.stream.sqlite.database import Database
from shared.stream.sqlite.leases import Leases
from shared.stream.sqlite.records import READ_LIMIT, lag, read

ACTIVE_PAUSE_SEC, IDLE_PAUSE_SEC = 0.003, 0.05
ACTIVE_SEC = 1.0
"""After a record came, the file is looked at every `ACTIVE_PAUSE_SEC` for this long."""


class SqliteSource:
    """See `shared.stream.base.Source`.

    `poll` renews the leases: call it at least once per third of `lease_sec`.
    """

    def __init__(self, database: Database, topic: str, group: str, lease_sec: float) -> None:
        self.on_revoked: Callable[[frozenset[int]], None] = lambda _: None
        self._database = database
        self._topic = topic
        self._leases = Leases(database, topic, group, lease_sec)
        self._paused: frozenset[int] = frozenset()
        self._active_until = 0.0
        self._seen: tuple[int, int] | None = None

    def poll(self, timeout_sec: float) -> Sequence[Record]:
        deadline = time.monotonic() + timeout_sec
        while True:
            self._look_after_leases()
            records = self._read()

            now = time.monotonic()
            if records:
                self._active_until = now + ACTIVE_SEC
            if records or now >= deadline:
                return records

            pause = ACTIVE_PAUSE_SEC if now < self._active_until else IDLE_PAUSE_SEC
            time.sleep(min(pause, deadline - now))

    def commit(self, offsets: Mapping[int, int]) -> None:
        self._leases.commit(offsets)

    def assignment(self) -> frozenset[int]:
        return frozenset(self._leases.ours)

    def pause(self, partitions: frozenset[int]) -> None:
        # The runtime says this in every turn: without a change, what was seen remains valid.
        if partitions != self._paused:
            self._paused, self._seen = partitions, None

    def renew_soon(self) -> None:
        """Renew the leases with the next `poll`, however fresh they are."""
        self._leases.renew_at = 0.0

    def healthy(self) -> bool:
        return self._leases.fresh()

    def lag(self) -> int:
        # A copy, because any thread may ask.
        leases = dict(self._leases.ours)
        committed = {partition: lease.committed for partition, lease in leases.items()}
        return lag(self._database, self._topic, committed)

    def close(self) -> None:
        self._leases.leave()
        self._database.close()

    def _look_after_leases(self) -> None:
        if self._leases.renew():
            self._seen = None
        if lost := self._leases.newly_lost():
            self.on_revoked(lost)

    def _read(self) -> Sequence[Record]:
        changes = self._database.changes()
        if changes == self._seen:
            return []

        records: list[Record] = []
        full = False
        for partition, lease in self._leases.ours.items():
            if partition in self._paused or lease.leaves_at is not None:
                continue
            found = read(self._database, self._topic, partition, lease.position)
            if found:
                lease.position = found[-1].offset + 1
                full = full or len(found) == READ_LIMIT
                records += found

        self._seen = None if full else changes
        return records
