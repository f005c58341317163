"""Doubts: Tasks to be looked at again: some of them could not be read."""

import sqlite3
from collections.abc import Iterable
from typing import Final

MOST: Final = 200
"""Looked at again in one sweep."""
DOUBT: Final = """INSERT INTO doubts VALUES (?1, ?2 + 5, 1) ON CONFLICT DO UPDATE
SET tries = tries + 1, due = ?2 + min(5 * (1 << min(tries, 10)), 3600)"""
"""After 5 s, then twice as long each time, up to an hour: some things may never be read."""


def add(db: sqlite3.Connection, tasks: Iterable[str], now: float) -> None:
    """Note Tasks to be looked at again, within the caller's transaction.

    Args:
        now: seconds since the epoch.
    """
    for task in tasks:
        db.execute(DOUBT, (task, now))


def due(db: sqlite3.Connection, now: float) -> list[str]:
    """List those whose time has come, the oldest first."""
    sql = "SELECT task FROM doubts WHERE due <= ? ORDER BY due, task LIMIT ?"
    return [task for (task,) in db.execute(sql, (now, MOST))]


def remove(db: sqlite3.Connection, tasks: Iterable[str]) -> None:
    """Forget those that were read as a whole."""
    db.executemany("DELETE FROM doubts WHERE task = ?", [(task,) for task in tasks])
