"""The leases of one member of a group: its partitions, for a limited time.

A partition of a group is leased by one member: (owner, epoch, expiry). The owner renews every third
of the lease. Whoever finds it expired takes it and raises the epoch, and a commit under an older
epoch is fenced. A member with more than its fair share gives partitions back.
"""

import time
import uuid
from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from sqlite3 import Connection

from shared.errors import Fenced, Unavailable
from shared.stream.sqlite.database import Database

LEASE_SEC = 6.0
"""How long a silent member keeps its partitions."""


@dataclass
class Lease:
    """One partition of ours.

    Attributes:
        position: the next offset to read.
        leaves_at: monotonic seconds; set where we have more than our fair share. Nothing more is
            read. The partition is given back when all that was read is committed, and at this time
            at the latest.
    """

    epoch: int
    position: int
    committed: int
    leaves_at: float | None = None


class Leases:
    """This member's partitions of a topic.

    Attributes:
        ours: partition -> lease.
        renew_at: monotonic seconds.
    """

    def __init__(self, database: Database, topic: str, group: str, lease_sec: float) -> None:
        self.ours: dict[int, Lease] = {}
        self.renew_at = 0.0
        self._renewed_at = time.monotonic()
        self._database = database
        self._lease_sec = lease_sec
        self._scope = (group, topic)
        self._member = uuid.uuid4().hex
        self._lost: set[int] = set()
        self._join()

    def fresh(self) -> bool:
        """Tell whether the leases were renewed in time."""
        return time.monotonic() - self._renewed_at < self._lease_sec

    def renew(self) -> bool:
        """Renew the leases if it is time, and give back finished ones.

        A renewal also notices losses, marks what is over the fair share, and takes free partitions
        up to the fair share.

        Returns:
            Whether the leases were renewed.
        """
        now = time.monotonic()
        is_time = now >= self.renew_at
        if is_time:
            with self._database.writing() as connection:
                kept, share = self._beat(connection)
                self._mark_leaving(kept, share, now)
                taken = self._take(connection, share - len(kept))
            self._drop(self.ours.keys() - kept)
            self.ours |= taken
            self._renewed_at, self.renew_at = now, now + self._lease_sec / 3

        self._give_back(now)
        return is_time

    def newly_lost(self) -> frozenset[int]:
        """Return the partitions lost since the last call."""
        lost, self._lost = frozenset(self._lost), set()
        return lost

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Make the offsets durable; raises Fenced for partitions of another member."""
        fenced = {partition for partition in offsets if partition not in self.ours}
        with self._database.writing() as connection:
            for partition in offsets.keys() - fenced:
                if not self._write_offset(connection, partition, offsets[partition]):
                    fenced.add(partition)

        for partition in offsets.keys() - fenced:
            lease = self.ours[partition]
            lease.committed = max(lease.committed, offsets[partition])

        self._drop(fenced)
        if fenced:
            raise Fenced(sorted(fenced))

    def leave(self) -> None:
        """Leave the group at once; if the file can't be reached, the leases run out."""
        self.ours.clear()
        with suppress(Unavailable), self._database.writing() as connection:
            connection.execute(
                "UPDATE leases SET owner = NULL, expires = 0 "
                "WHERE grp = ? AND topic = ? AND owner = ?",
                (*self._scope, self._member),
            )
            connection.execute(
                "DELETE FROM members WHERE grp = ? AND topic = ? AND member = ?",
                (*self._scope, self._member),
            )

    def _join(self) -> None:
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO leases (grp, topic, partition) "
                "SELECT ?, topic, partition FROM topics WHERE topic = ?",
                self._scope,
            )
            now = time.time()
            connection.execute(
                "INSERT INTO members VALUES (?, ?, ?, ?, ?)",
                (*self._scope, self._member, now, now + self._lease_sec),
            )

    def _beat(self, connection: Connection) -> tuple[frozenset[int], int]:
        """Renew; return our remaining partitions and our fair share."""
        now = time.time()
        expires = now + self._lease_sec
        members = self._members(connection, now, expires)

        rows = connection.execute(
            "UPDATE leases SET expires = ? WHERE grp = ? AND topic = ? AND owner = ? "
            "RETURNING partition, epoch",
            (expires, *self._scope, self._member),
        )
        epochs = dict(rows.fetchall())
        kept = [p for p, lease in self.ours.items() if epochs.get(p) == lease.epoch]

        (total,) = connection.execute(
            "SELECT count(*) FROM leases WHERE grp = ? AND topic = ?", self._scope
        ).fetchone()
        each, over = divmod(total, len(members))
        return frozenset(kept), each + (members.index(self._member) < over)

    def _members(self, connection: Connection, now: float, expires: float) -> list[str]:
        """Renew our membership, remove expired members, and list the others and us."""
        connection.execute(
            "INSERT INTO members VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET expires = excluded.expires",
            (*self._scope, self._member, now, expires),
        )
        connection.execute(
            "DELETE FROM members WHERE grp = ? AND topic = ? AND expires NOT BETWEEN ? AND ?",
            (*self._scope, now, self._latest_expiry(now)),
        )
        rows = connection.execute(
            "SELECT member FROM members WHERE grp = ? AND topic = ? ORDER BY joined, member",
            self._scope,
        )
        return [member for (member,) in rows]

    def _mark_leaving(self, kept: frozenset[int], share: int, now: float) -> None:
        """Mark as many partitions for leaving as we have over our fair share."""
        leaving = [p for p in kept if self.ours[p].leaves_at is not None]
        over = len(kept) - share

        # Another member left again meanwhile: these may stay.
        for partition in leaving[: max(0, len(leaving) - over)]:
            self.ours[partition].leaves_at = None

        staying = [p for p in kept if self.ours[p].leaves_at is None]
        idle_first = sorted(staying, key=lambda p: self.ours[p].position - self.ours[p].committed)
        for partition in idle_first[: max(0, over - len(leaving))]:
            self.ours[partition].leaves_at = now + self._lease_sec

    def _take(self, connection: Connection, count: int) -> Mapping[int, Lease]:
        """Take up to this many free partitions."""
        now = time.time()
        rows = connection.execute(
            "SELECT partition, epoch + 1, committed FROM leases WHERE grp = ? AND topic = ? "
            "AND (owner IS NULL OR expires NOT BETWEEN ? AND ?) LIMIT ?",
            (*self._scope, now, self._latest_expiry(now), max(0, count)),
        ).fetchall()
        for partition, epoch, _ in rows:
            connection.execute(
                "UPDATE leases SET owner = ?, epoch = ?, expires = ? "
                "WHERE grp = ? AND topic = ? AND partition = ?",
                (self._member, epoch, now + self._lease_sec, *self._scope, partition),
            )
        return {
            partition: Lease(epoch, committed, committed) for partition, epoch, committed in rows
        }

    def _latest_expiry(self, now: float) -> float:
        """Return the latest expiry to believe.

        A later one was given before the clock was set back, and counts as expired.
        """
        return now + 10 * self._lease_sec

    def _give_back(self, now: float) -> None:
        done = {
            partition: lease
            for partition, lease in self.ours.items()
            if lease.leaves_at is not None
            and (lease.committed >= lease.position or now >= lease.leaves_at)
        }
        if not done:
            return

        with self._database.writing() as connection:
            for partition, lease in done.items():
                connection.execute(
                    "UPDATE leases SET owner = NULL, expires = 0 WHERE grp = ? AND topic = ? "
                    "AND partition = ? AND owner = ? AND epoch = ?",
                    (*self._scope, partition, self._member, lease.epoch),
                )
        self._drop(done.keys())

    def _write_offset(self, connection: Connection, partition: int, offset: int) -> bool:
        written = connection.execute(
            "UPDATE leases SET committed = max(committed, ?) WHERE grp = ? AND topic = ? "
            "AND partition = ? AND owner = ? AND epoch = ?",
            (offset, *self._scope, partition, self._member, self.ours[partition].epoch),
        )
        return written.rowcount == 1

    def _drop(self, partitions: Set[int]) -> None:
        for partition in list(partitions):
            if self.ours.pop(partition, None):
                self._lost.add(partition)
