"""The records of a topic: reading and counting them."""

from collections.abc import Mapping, Sequence

import orjson

from shared.events import Headers
from shared.stream.base import Record, no_topic
from shared.stream.sqlite.database import Database

READ_LIMIT = 500
"""Records of one partition that one `poll` returns at most."""


def partitions_of(database: Database, topic: str) -> int:
    """Count the partitions of a topic.

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
    """Read the next records, `READ_LIMIT` at most."""
    with database.reading() as connection:
        rows = connection.execute(
            'SELECT "offset", key, value, headers, at FROM records '
            'WHERE topic = ? AND partition = ? AND "offset" >= ? ORDER BY "offset" LIMIT ?',
            (topic, partition, position, READ_LIMIT),
        ).fetchall()
    return [
        Record(topic, partition, offset, key, value, from_text(headers), at)
        for offset, key, value, headers, at in rows
    ]


def lag(database: Database, topic: str, committed: Mapping[int, int]) -> int:
    """Count the records at or after the committed offsets.

    Records that retention took away do not count.
    """
    query = 'SELECT count(*) FROM records WHERE topic = ? AND partition = ? AND "offset" >= ?'
    with database.reading() as connection:
        return sum(
            connection.execute(query, (topic, partition, offset)).fetchone()[0]
            for partition, offset in committed.items()
        )


def to_text(headers: Headers) -> str:
    """Write headers as the table holds them."""
    return orjson.dumps([(name, value.decode("latin-1")) for name, value in headers]).decode()


def from_text(headers: str) -> Headers:
    """Read headers as the table holds them."""
    return tuple((name, value.encode("latin-1")) for name, value in orjson.loads(headers))
