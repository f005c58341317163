"""The event log on SQLite: topics, groups, sources and sinks on one file."""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from shared.errors import Misconfigured
from shared.stream.base import EVENTS_TOPIC, Record, dead_letter_topic, no_topic
from shared.stream.sqlite.database import Database
from shared.stream.sqlite.leases import LEASE_SEC
from shared.stream.sqlite.records import lag, partitions_of, read
from shared.stream.sqlite.sink import SqliteSink
from shared.stream.sqlite.source import SqliteSource

RETENTION_SEC = 30 * 24 * 3600.0
"""How long `careloop.events` keeps a record, as on Kafka; dead letters stay."""


class SqliteLog:
    """See `shared.stream.base.Log`.

    Args:
        path: the file; it is made when it is first needed.
        lease_sec: the lease of the sources opened here; the same in all processes on the file.
    """

    def __init__(self, path: Path, lease_sec: float = LEASE_SEC) -> None:
        self._path = path
        self._lease_sec = lease_sec

    def open(self) -> Database:
        """Open the database; every source and sink gets one of its own."""
        return Database(self._path)

    def source(self, topic: str, group: str) -> SqliteSource:
        database = self.open()
        try:
            partitions_of(database, topic)
            return SqliteSource(database, topic, group, self._lease_sec)
        except BaseException:
            database.close()
            raise

    def sink(self) -> SqliteSink:
        return SqliteSink(self.open())

    def create_topics(self, partitions: int, services: Sequence[str]) -> Sequence[str]:
        return self.create(
            {EVENTS_TOPIC: partitions, **{dead_letter_topic(s): 1 for s in services}}
        )

    def create(self, wanted: Mapping[str, int]) -> Sequence[str]:
        """Make topics (name -> partitions), and return the new ones.

        Topics that exist stay as they are.
        """
        with self.open() as database, database.writing() as connection:
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
        with self.open() as database, database.reading() as connection:
            known = {topic for (topic,) in connection.execute("SELECT DISTINCT topic FROM topics")}
        return [
            topic
            for topic in (EVENTS_TOPIC, *map(dead_letter_topic, services))
            if topic not in known
        ]

    def identity(self, topic: str) -> str:
        with self.open() as database:
            partitions_of(database, topic)
            with database.writing() as connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS identity "
                    "(one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL)"
                )
                connection.execute(
                    "INSERT OR IGNORE INTO identity VALUES (1, ?)", (uuid.uuid4().hex,)
                )
                return str(connection.execute("SELECT id FROM identity").fetchone()[0])

    def scan(self, topic: str) -> Iterator[Record]:
        with self.open() as database:
            with database.reading() as connection:
                ends = connection.execute(
                    "SELECT partition, next_offset FROM topics WHERE topic = ?", (topic,)
                ).fetchall()
            if not ends:
                raise no_topic(topic)
            for partition, end in ends:
                yield from _records_before(database, topic, partition, end)

    def group_lag(self, topic: str, group: str) -> int:
        with self.open() as database:
            partitions = partitions_of(database, topic)
            with database.reading() as connection:
                rows = connection.execute(
                    "SELECT partition, committed FROM leases WHERE grp = ? AND topic = ?",
                    (group, topic),
                )
                committed = dict(rows.fetchall())
            return lag(database, topic, {p: committed.get(p, 0) for p in range(partitions)})

    def group_reset(self, topic: str, group: str) -> None:
        with self.open() as database, database.writing() as connection:
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


def _records_before(database: Database, topic: str, partition: int, end: int) -> Iterator[Record]:
    position = 0
    while position < end:
        found = read(database, topic, partition, position)
        records = [record for record in found if record.offset < end]
        if not records:
            return
        yield from records
        position = records[-1].offset + 1
