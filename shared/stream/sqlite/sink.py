"""Appending records to an event log on SQLite."""

import time
import zlib
from collections.abc import Sequence

from shared.stream.base import Message
from shared.stream.sqlite.database import BUSY_SEC, Database
from shared.stream.sqlite.records import partitions_of, to_text


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
                    "UPDATE topics SET next_offset = next_offset + 1 "
                    "WHERE topic = ? AND partition = ? RETURNING next_offset - 1",
                    place,
                ).fetchone()
                row = (*place, offset, message.key, message.value, to_text(message.headers), at)
                connection.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def close(self) -> None:
        self._database.close()
