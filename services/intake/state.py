"""What intake remembers, in SQLite in its state folder, never in the broker: cursors, versions seen, subjects, event numbers."""

import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

from shared.errors import Misconfigured

SCHEMA = """
CREATE TABLE IF NOT EXISTS cursors (kind TEXT PRIMARY KEY, instant TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS swept (one INTEGER PRIMARY KEY CHECK (one = 1), instant TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS seen (focus TEXT, version TEXT, instant TEXT NOT NULL, PRIMARY KEY (focus, version)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subjects (focus TEXT PRIMARY KEY, subject TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS numbers (subscription TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
"""


class State:
    """One file, one process; safe between its threads.

    Raises:
        Misconfigured: the file is corrupt or the folder can't be written.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(SCHEMA)
        except (sqlite3.DatabaseError, OSError) as error:
            raise Misconfigured(
                f"intake can't keep its cursor in {path}: {error}. Point CARELOOP_STATE_DIR at a writable local folder, or remove the file"
            ) from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def cursor(self, kind: str) -> str | None:
        """Up to where this type was swept."""
        return self._one("SELECT instant FROM cursors WHERE kind = ?", kind)

    def advance(self, kind: str, instant: str) -> None:
        """The type was swept and published up to here."""
        self._do("INSERT INTO cursors VALUES (?, ?) ON CONFLICT DO UPDATE SET instant = max(instant, excluded.instant)", kind, instant)

    def swept(self) -> str | None:
        """When the newest complete sweep of all types began."""
        return self._one("SELECT instant FROM swept")

    def complete(self, began: str) -> None:
        """A sweep of all types that began then is complete."""
        self._do("INSERT INTO swept VALUES (1, ?) ON CONFLICT DO UPDATE SET instant = excluded.instant", began)

    def is_new(self, focus: str, version: str) -> bool:
        """This version was not published yet."""
        return self._one("SELECT 1 FROM seen WHERE focus = ? AND version = ?", focus, version) is None

    def remember(self, published: Iterable[tuple[str, str, str, str | None]]) -> None:
        """(focus, version, instant, subject) of what is durably published."""
        rows = list(published)
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", [row[:3] for row in rows])
            self._db.executemany("INSERT OR REPLACE INTO subjects VALUES (?, ?)", [(row[0], row[3]) for row in rows if row[3]])
            self._db.execute("COMMIT")

    def subject(self, focus: str) -> str | None:
        """Whose it was, for a delete that no longer says."""
        return self._one("SELECT subject FROM subjects WHERE focus = ?", focus)

    def forget_before(self, instant: str) -> None:
        """Versions that no sweep will look at again."""
        self._do("DELETE FROM seen WHERE instant < ?", instant)

    def number(self, subscription: str) -> int | None:
        """The last event number heard from a Subscription."""
        found = self._one("SELECT last FROM numbers WHERE subscription = ?", subscription)
        return int(found) if found is not None else None

    def heard(self, subscription: str, number: int) -> None:
        """All events of the Subscription up to this number are published."""
        self._do("INSERT INTO numbers VALUES (?, ?) ON CONFLICT DO UPDATE SET last = max(last, excluded.last)", subscription, number)

    def _one(self, query: str, *values: object) -> str | None:
        with self._lock:
            row = self._db.execute(query, values).fetchone()
        return row[0] if row else None

    def _do(self, statement: str, *values: object) -> None:
        with self._lock:
            self._db.execute(statement, values)
