"""The event log on SQLite: the embedded default. Several processes share one file on a local disk.

A partition of a group is leased by one member: (owner, epoch, expiry). The owner renews every third
of the lease; whoever finds it expired takes it and raises the epoch, and a commit under an older
epoch is fenced. Every commit is on the disk (`synchronous=FULL`) before `send` or `commit` returns.
"""

import time
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

import orjson

from shared.errors import Fenced, Misconfigured, Unavailable
from shared.events import Headers
from shared.stream.base import EVENTS_TOPIC, Message, Record, dead_letter_topic, no_topic
from shared.stream.database import BUSY_SEC, Database

LEASE_SEC = 6.0
"""How long a silent member keeps its partitions."""
RETENTION_SEC = 30 * 24 * 3600.0
"""How long `careloop.events` keeps a record, as on Kafka; dead letters stay."""
READ_LIMIT = 500
"""Records of one partition that one `poll` returns at most."""
ACTIVE_PAUSE_SEC, IDLE_PAUSE_SEC = 0.003, 0.05
ACTIVE_SEC = 1.0
"""After a record came, the file is looked at every `ACTIVE_PAUSE_SEC` for this long."""


class SqliteLog:
    """See `shared.stream.base.Log`.

    Args:
        path: the file; it is made when it is first needed.
        lease_sec: the lease of the sources opened here; the same in all processes on the file.
    """

    def __init__(self, path: Path, lease_sec: float = LEASE_SEC) -> None:
        self._path = path
        self._lease_sec = lease_sec

    def _open(self) -> Database:
        return Database(self._path)

    def source(self, topic: str, group: str) -> "SqliteSource":
        database = self._open()
        try:
            partitions_of(database, topic)
            return SqliteSource(database, topic, group, self._lease_sec)
        except BaseException:
            database.close()
            raise

    def sink(self) -> "SqliteSink":
        return SqliteSink(self._open())

    def create_topics(self, partitions: int, services: Sequence[str]) -> Sequence[str]:
        return self.create(
            {EVENTS_TOPIC: partitions, **{dead_letter_topic(s): 1 for s in services}}
        )

    def create(self, wanted: Mapping[str, int]) -> Sequence[str]:
        """Make topics (name -> partitions); those that exist stay as they are.

        Return the new ones.
        """
        with self._open() as database, database.writing() as connection:
            known = {topic for (topic,) in connection.execute("SELECT DISTINCT topic FROM topics")}
            new = [topic for topic in wanted if topic not in known]
            rows = [(topic, partition) for topic in new for partition in range(wanted[topic])]
            connection.executemany("INSERT INTO topics (topic, partition) VALUES (?, ?)", rows)
            connection.execute(
                "DELETE FROM records WHERE topic = ? AND at < ?",
                (EVENTS_TOPIC, time.time() - RETENTION_SEC),
            )
        return new

    def missing_topics(self, services: Sequence[str]) -> Sequence[str]:
        with self._open() as database, database.reading() as connection:
            known = {topic for (topic,) in connection.execute("SELECT DISTINCT topic FROM topics")}
        return [
            topic
            for topic in (EVENTS_TOPIC, *map(dead_letter_topic, services))
            if topic not in known
        ]

    def identity(self, topic: str) -> str:
        with self._open() as database:
            partitions_of(database, topic)
            with database.writing() as connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS identity (one INTEGER PRIMARY KEY CHECK (one = 1), "
                    "id TEXT NOT NULL)"
                )
                connection.execute(
                    "INSERT OR IGNORE INTO identity VALUES (1, ?)", (uuid.uuid4().hex,)
                )
                return str(connection.execute("SELECT id FROM identity").fetchone()[0])

    def scan(self, topic: str) -> Iterator[Record]:
        with self._open() as database:
            with database.reading() as connection:
                ends = connection.execute(
                    "SELECT partition, next_offset FROM topics WHERE topic = ?", (topic,)
                ).fetchall()
            if not ends:
                raise no_topic(topic)
            for partition, end in ends:
                position = 0
                while records := [
                    r for r in read(database, topic, partition, position) if r.offset < end
                ]:
                    yield from records
                    position = records[-1].offset + 1

    def group_lag(self, topic: str, group: str) -> int:
        with self._open() as database:
            partitions = partitions_of(database, topic)
            with database.reading() as connection:
                rows = connection.execute(
                    "SELECT partition, committed FROM leases WHERE grp = ? AND topic = ?",
                    (group, topic),
                )
                committed = dict(rows.fetchall())
            return lag(database, topic, {p: committed.get(p, 0) for p in range(partitions)})

    def group_reset(self, topic: str, group: str) -> None:
        with self._open() as database, database.writing() as connection:
            alive = "SELECT count(*) FROM members WHERE grp = ? AND topic = ? AND expires >= ?"
            if connection.execute(alive, (group, topic, time.time())).fetchone()[0]:
                raise Misconfigured(
                    f"group {group} has members; stop the service first, and wait "
                    f"{self._lease_sec:.0f} s if it was killed"
                )
            connection.execute(
                "UPDATE leases SET committed = 0, owner = NULL, epoch = epoch + 1, expires = 0 "
                "WHERE grp = ? AND topic = ?",
                (group, topic),
            )


class SqliteSink:
    """See `shared.stream.base.Sink`.

    One connection behind its lock: SQLite has one writer at a time anyway.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._partitions: dict[str, int] = {}

    def send(self, topic: str, messages: Sequence[Message], timeout_sec: float = BUSY_SEC) -> None:
        if topic not in self._partitions:
            self._partitions[topic] = partitions_of(self._database, topic)
        with self._database.writing(timeout_sec) as connection:
            at = time.time()
            for message in messages:
                place = (topic, zlib.crc32(message.key) % self._partitions[topic])
                (offset,) = connection.execute(
                    "UPDATE topics SET next_offset = next_offset + 1 WHERE topic = ? AND partition "
                    "= ? RETURNING next_offset - 1",
                    place,
                ).fetchone()
                row = (*place, offset, message.key, message.value, _to_text(message.headers), at)
                connection.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def close(self) -> None:
        self._database.close()


@dataclass
class Lease:
    """One partition that is ours."""

    epoch: int
    position: int
    """The next offset to read."""
    committed: int
    leaves_at: float | None = None
    """Over our fair share: nothing more is read; given back once all that was read is committed, at
    this (monotonic) time at the latest.
    """


class SqliteSource:
    """See `shared.stream.base.Source`.

    `poll` renews the leases: call it at least once per third of `lease_sec`.
    """

    def __init__(self, database: Database, topic: str, group: str, lease_sec: float) -> None:
        self.on_revoked: Callable[[frozenset[int]], None] = lambda _: None
        self._database = database
        self._topic, self._group, self._lease_sec = topic, group, lease_sec
        self._scope = (group, topic)
        self._member = uuid.uuid4().hex
        self._leases: dict[int, Lease] = {}
        self._paused: frozenset[int] = frozenset()
        self._revoked: set[int] = set()
        self._renew_at = 0.0
        self._renewed_at = time.monotonic()
        self._active_until = 0.0
        self._seen: tuple[int, int] | None = None
        with database.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO leases (grp, topic, partition) SELECT ?, topic, partition "
                "FROM topics WHERE topic = ?",
                self._scope,
            )
            connection.execute(
                "INSERT INTO members VALUES (?, ?, ?, ?, ?)",
                (*self._scope, self._member, time.time(), time.time() + lease_sec),
            )

    def poll(self, timeout_sec: float) -> Sequence[Record]:
        deadline = time.monotonic() + timeout_sec
        while True:
            self._renew()
            records = self._read()
            now = time.monotonic()
            if records:
                self._active_until = now + ACTIVE_SEC
            if records or now >= deadline:
                return records
            pause = ACTIVE_PAUSE_SEC if now < self._active_until else IDLE_PAUSE_SEC
            time.sleep(min(pause, deadline - now))

    def commit(self, offsets: Mapping[int, int]) -> None:
        fenced = {p for p in offsets if p not in self._leases}
        with self._database.writing() as connection:
            for partition in offsets.keys() - fenced:
                if not self._write_offset(connection, partition, offsets[partition]):
                    fenced.add(partition)
        for partition in offsets.keys() - fenced:
            lease = self._leases[partition]
            lease.committed = max(lease.committed, offsets[partition])
        self._drop(fenced)
        if fenced:
            raise Fenced(sorted(fenced))

    def assignment(self) -> frozenset[int]:
        return frozenset(self._leases)

    def pause(self, partitions: frozenset[int]) -> None:
        if (
            partitions != self._paused
        ):  # else what was seen still holds: the runtime says this in every turn
            self._paused, self._seen = partitions, None

    def healthy(self) -> bool:
        return time.monotonic() - self._renewed_at < self._lease_sec

    def lag(self) -> int:
        return lag(
            self._database,
            self._topic,
            {p: lease.committed for p, lease in dict(self._leases).items()},
        )  # a copy: any thread may ask

    def close(self) -> None:
        self._leases.clear()
        with (
            suppress(Unavailable),
            self._database.writing() as connection,
        ):  # not reachable: the leases run out by themselves
            connection.execute(
                "UPDATE leases SET owner = NULL, expires = 0 WHERE grp = ? AND topic = ? AND owner "
                "= ?",
                (*self._scope, self._member),
            )
            connection.execute(
                "DELETE FROM members WHERE grp = ? AND topic = ? AND member = ?",
                (*self._scope, self._member),
            )
        self._database.close()

    def _read(self) -> Sequence[Record]:
        changes = self._database.changes()
        if changes == self._seen:
            return []
        records: list[Record] = []
        full = False
        for partition, lease in self._leases.items():
            if partition in self._paused or lease.leaves_at is not None:
                continue
            found = read(self._database, self._topic, partition, lease.position)
            if found:
                lease.position = found[-1].offset + 1
                full = full or len(found) == READ_LIMIT
                records += found
        self._seen = None if full else changes
        return records

    def _renew(self) -> None:
        """Renew the leases, notice losses, give back what is over the fair share, take what is free
        up to it.
        """
        now = time.monotonic()
        if now >= self._renew_at:
            with self._database.writing() as connection:
                kept, share = self._beat(connection)
                self._mark_leaving(kept, share, now)
                taken = self._take(connection, share - len(kept))
            self._drop(self._leases.keys() - kept)
            self._leases |= taken
            self._renewed_at, self._renew_at = now, now + self._lease_sec / 3
            self._seen = None
        self._give_back(now)
        self._tell()

    def _beat(self, connection: Connection) -> tuple[frozenset[int], int]:
        """Return our partitions that nobody took, and our fair share."""
        now = time.time()
        expires = now + self._lease_sec
        connection.execute(
            "INSERT INTO members VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET expires = "
            "excluded.expires",
            (*self._scope, self._member, now, expires),
        )
        connection.execute(
            "DELETE FROM members WHERE grp = ? AND topic = ? AND expires NOT BETWEEN ? AND ?",
            (*self._scope, now, self._far(now)),
        )
        rows = connection.execute(
            "SELECT member FROM members WHERE grp = ? AND topic = ? ORDER BY joined, member",
            self._scope,
        )
        members = [member for (member,) in rows]
        rows = connection.execute(
            "UPDATE leases SET expires = ? WHERE grp = ? AND topic = ? AND owner = ? RETURNING "
            "partition, epoch",
            (expires, *self._scope, self._member),
        )
        ours = dict(rows.fetchall())
        (total,) = connection.execute(
            "SELECT count(*) FROM leases WHERE grp = ? AND topic = ?", self._scope
        ).fetchone()
        each, over = divmod(total, len(members))
        share = each + (members.index(self._member) < over)
        return frozenset(
            p for p, lease in self._leases.items() if ours.get(p) == lease.epoch
        ), share

    def _mark_leaving(self, kept: frozenset[int], share: int, now: float) -> None:
        leaving = [p for p in kept if self._leases[p].leaves_at is not None]
        for partition in leaving[
            : max(0, len(leaving) - (len(kept) - share))
        ]:  # a member left again meanwhile
            self._leases[partition].leaves_at = None
        staying = sorted(
            (p for p in kept if self._leases[p].leaves_at is None),
            key=lambda p: self._leases[p].position - self._leases[p].committed,
        )
        for partition in staying[: max(0, len(kept) - share - len(leaving))]:  # the idle ones first
            self._leases[partition].leaves_at = now + self._lease_sec

    def _take(self, connection: Connection, count: int) -> Mapping[int, Lease]:
        now = time.time()
        rows = connection.execute(
            "SELECT partition, epoch + 1, committed FROM leases WHERE grp = ? AND topic = ? AND "
            "(owner IS NULL OR expires NOT BETWEEN ? AND ?) LIMIT ?",
            (*self._scope, now, self._far(now), max(0, count)),
        ).fetchall()
        for partition, epoch, _ in rows:
            connection.execute(
                "UPDATE leases SET owner = ?, epoch = ?, expires = ? WHERE grp = ? AND topic = ? "
                "AND partition = ?",
                (self._member, epoch, now + self._lease_sec, *self._scope, partition),
            )
        return {
            partition: Lease(epoch, committed, committed) for partition, epoch, committed in rows
        }

    def _far(self, now: float) -> float:
        """A lease that ends after this was given before the clock was set back: it is over too."""
        return now + 10 * self._lease_sec

    def _give_back(self, now: float) -> None:
        done = {
            p: lease
            for p, lease in self._leases.items()
            if lease.leaves_at is not None
            and (lease.committed >= lease.position or now >= lease.leaves_at)
        }
        if not done:
            return
        with self._database.writing() as connection:
            for partition, lease in done.items():
                connection.execute(
                    "UPDATE leases SET owner = NULL, expires = 0 WHERE grp = ? AND topic = ? AND "
                    "partition = ? AND owner = ? AND epoch = ?",
                    (*self._scope, partition, self._member, lease.epoch),
                )
        self._drop(done.keys())

    def _write_offset(self, connection: Connection, partition: int, offset: int) -> bool:
        written = connection.execute(
            "UPDATE leases SET committed = max(committed, ?) WHERE grp = ? AND topic = ? AND "
            "partition = ? AND owner = ? AND epoch = ?",
            (offset, *self._scope, partition, self._member, self._leases[partition].epoch),
        )
        return written.rowcount == 1

    def _drop(self, partitions: Set[int]) -> None:
        for partition in list(partitions):
            if self._leases.pop(partition, None):
                self._revoked.add(partition)

    def _tell(self) -> None:
        if self._revoked:
            revoked, self._revoked = frozenset(self._revoked), set()
            self.on_revoked(revoked)


def partitions_of(database: Database, topic: str) -> int:
    """How many partitions the topic has.

    Raises:
        Misconfigured: it does not exist.
    """
    with database.reading() as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM topics WHERE topic = ?", (topic,)
        ).fetchone()
    if not count:
        raise no_topic(topic)
    return int(count)


def read(database: Database, topic: str, partition: int, position: int) -> Sequence[Record]:
    """The next records, `READ_LIMIT` at most."""
    with database.reading() as connection:
        rows = connection.execute(
            'SELECT "offset", key, value, headers, at FROM records WHERE topic = ? AND partition = ? AND "offset" >= ? ORDER BY "offset" LIMIT ?',
            (topic, partition, position, READ_LIMIT),
        ).fetchall()
    return [
        Record(topic, partition, offset, key, value, _from_text(headers), at)
        for offset, key, value, headers, at in rows
    ]


def lag(database: Database, topic: str, committed: Mapping[int, int]) -> int:
    """Records at or after the committed offsets; what retention took is not waited for."""
    query = 'SELECT count(*) FROM records WHERE topic = ? AND partition = ? AND "offset" >= ?'
    with database.reading() as connection:
        return sum(
            connection.execute(query, (topic, p, offset)).fetchone()[0]
            for p, offset in committed.items()
        )


def _to_text(headers: Headers) -> str:
    return orjson.dumps([(name, value.decode("latin-1")) for name, value in headers]).decode()


def _from_text(headers: str) -> Headers:
    return tuple((name, value.encode("latin-1")) for name, value in orjson.loads(headers))
