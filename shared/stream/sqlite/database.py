"""The SQLite database of an event log: opening, transactions, errors."""

import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from shared.disk.private import private_file, private_folder
from shared.errors import CareloopError, Misconfigured, Unavailable

BUSY_SEC = 5.0
TABLES = {"topics", "records", "members", "leases", "identity"}
PASSING = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
)
NOT_WRITABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)
SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS topics (
  topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (topic, partition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
  topic TEXT NOT NULL, partition INTEGER NOT NULL, "offset" INTEGER NOT NULL,
  key BLOB NOT NULL, value BLOB, headers TEXT NOT NULL, at REAL NOT NULL,
  PRIMARY KEY (topic, partition, "offset")) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS members (
  grp TEXT NOT NULL, topic TEXT NOT NULL, member TEXT NOT NULL,
  joined REAL NOT NULL, expires REAL NOT NULL,
  PRIMARY KEY (grp, topic, member)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (
  grp TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL,
  committed INTEGER NOT NULL DEFAULT 0, owner TEXT,
  epoch INTEGER NOT NULL DEFAULT 0, expires REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (grp, topic, partition)) WITHOUT ROWID;
"""


class Database:
    """One connection. Any thread may use it, one at a time.

    Args:
        path: a file on a local disk (a write-ahead log needs shared memory), or None: in memory,
            gone with this object.

    Raises:
        Misconfigured: the file can't be opened or written, is damaged, is no event log, or lies on
            a network disk.
        Unavailable: others hold the file for longer than `BUSY_SEC`.
    """

    def __init__(self, path: Path | None) -> None:
        self._place = str(path) if path else "the event log in memory"
        self._lock = threading.RLock()
        with self._errors():
            if path:
                private_folder(path.parent)
                private_file(path)
            # isolation_level None: sqlite3 begins no transaction of its own; ours are all
            # IMMEDIATE.
            self._connection = sqlite3.connect(
                path or ":memory:", timeout=BUSY_SEC, isolation_level=None, check_same_thread=False
            )
            self._finalizer = weakref.finalize(self, self._connection.close)
            try:
                self._prepare(durable=path is not None)
            except BaseException:
                self.close()
                raise

    def _prepare(self, durable: bool) -> None:
        if durable and _with_patience(self._connection, "PRAGMA journal_mode=WAL") != "wal":
            raise Misconfigured(
                f"{self._place}: no write-ahead log is possible here; the event log needs a local "
                "disk (CARELOOP_STATE_DIR)"
            )
        self._connection.execute("PRAGMA synchronous=FULL")
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version == SCHEMA_VERSION:
            return
        if version or self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise_unless_log(self._connection, self._place)
        with self.writing(BUSY_SEC) as connection:
            for statement in SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    @contextmanager
    def writing(self, timeout_sec: float = BUSY_SEC) -> Iterator[sqlite3.Connection]:
        """Begin a transaction with the write lock.

        A deferred transaction meets lock errors when it wants to upgrade.
        """
        with self._exclusively(timeout_sec) as connection:
            connection.execute(f"PRAGMA busy_timeout={max(1, int(timeout_sec * 1000))}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection, for SELECTs."""
        with self._exclusively(BUSY_SEC) as connection:
            yield connection

    def changes(self) -> tuple[int, int]:
        """Return a counter of writes: it changes with every write of any process."""
        with self.reading() as connection:
            return connection.execute("PRAGMA data_version").fetchone()[0], connection.total_changes

    def close(self) -> None:
        """Close the connection; a second time does nothing."""
        with self._lock:
            self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _exclusively(self, timeout_sec: float) -> Iterator[sqlite3.Connection]:
        if not self._lock.acquire(timeout=timeout_sec):
            raise Unavailable("broker", f"{self._place} is busy")
        try:
            with self._errors():
                yield self._connection
        finally:
            self._lock.release()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            # A closed connection, a wrong statement: a bug, not a state of the file.
            raise
        except (sqlite3.Error, OSError) as error:
            raise classed(error, self._place) from None


def classed(error: Exception, place: str) -> CareloopError:
    """Class an error of SQLite.

    `Unavailable` passes by itself or once a person made room, `Misconfigured` does not.
    """
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Misconfigured(
            f"{place} is damaged ({error}); restore it from a backup, or move it away: intake "
            "finds again what the EHR still holds"
        )
    if code in NOT_WRITABLE or isinstance(error, OSError):
        return Misconfigured(
            f"{place} can't be opened for writing ({error}); check CARELOOP_STATE_DIR and who owns "
            "it"
        )
    if code in PASSING:
        return Unavailable("broker", f"{place}: {error}")
    return Misconfigured(f"{place}: {error}")


def raise_unless_log(connection: sqlite3.Connection, place: str) -> None:
    """Refuse a database not made by this version."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = {name for (name,) in rows}
    if version not in (0, SCHEMA_VERSION) or not tables <= TABLES:
        raise Misconfigured(
            f"{place} is not an event log of this version of careloop; name another folder in "
            "CARELOOP_STATE_DIR"
        )


def _with_patience(connection: sqlite3.Connection, statement: str) -> str:
    """Run a PRAGMA with patience: it ignores the busy timeout."""
    deadline = time.monotonic() + BUSY_SEC
    while True:
        try:
            return str(connection.execute(statement).fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
