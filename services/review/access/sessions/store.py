"""The sessions of all processes of review, in one SQLite file on a local disk.

A row holds the hash of the cookie's id, hashes of the person and of what her login grants, two
times, and content that only the cookie opens. No name, no role, nothing of a patient can be read
from the file.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.disk.private import private_file, private_folder
from shared.errors import Misconfigured, Unavailable

FILE: Final = "review-sessions.sqlite"
BUSY_SEC: Final = 5.0
GRAIN: Final = 20  # a session is marked as used that often within its idle time, no oftener
MOST_ANONYMOUS: Final = 10_000  # whoever asks for the login page gets a row
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS sessions (
  id TEXT PRIMARY KEY, person TEXT NOT NULL, grants TEXT NOT NULL,
  began REAL NOT NULL, seen REAL NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_of_a_person ON sessions (person, seen)
"""

STANDING: Final = "SELECT data FROM sessions WHERE id=? AND seen>? AND began>?"
OTHERS: Final = "DELETE FROM sessions WHERE person=? AND grants<>?"


@dataclass(frozen=True)
class Owner:
    """Whose session it is, as hashes.

    Attributes:
        person: the login; empty: nobody has logged in yet.
        grants: what that login grants: the Practitioner and the roles.
    """

    person: str = ""
    grants: str = ""


class SessionStore:
    """The rows. Safe between threads and processes.

    Args:
        path: made where it is missing, readable for its owner alone.
        idle_sec: a row that nobody used for so long is gone.
        longest_sec: so is one that began so long ago.

    Raises:
        Misconfigured: at the start, the file can't be written.
        Unavailable: later, it can't be read or written.
    """

    def __init__(self, path: Path, idle_sec: float, longest_sec: float) -> None:
        self._idle_sec, self._longest_sec = idle_sec, longest_sec
        self._lock = threading.Lock()
        try:
            private_folder(path.parent)
            private_file(path)
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SEC, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            # A power cut must not bring back a session that was ended.
            self._connection.execute("PRAGMA synchronous=FULL")
            for statement in SCHEMA.split(";"):
                self._connection.execute(statement)
        except (OSError, sqlite3.Error) as error:
            raise Misconfigured(
                f"CARELOOP_STATE_DIR: the sessions in {path} can't be written "
                f"({type(error).__name__}); name a local folder that can"
            ) from None

    def read(self, id: str) -> bytes | None:
        """Return the content of the session; None: it has ended, or never was."""
        with self._rows() as rows:
            found = rows.execute(STANDING, (id, *self._oldest())).fetchone()
        return bytes(found[0]) if found else None

    def add(self, id: str, data: bytes, owner: Owner) -> None:
        """Begin a session, and drop what has ended.

        The person's sessions that were granted something else end with it.
        """
        now = time.time()
        with self._at_once() as rows:
            rows.execute("DELETE FROM sessions WHERE seen<=? OR began<=?", self._oldest())
            if owner.person:
                rows.execute(OTHERS, (owner.person, owner.grants))
            else:
                rows.execute(
                    "DELETE FROM sessions WHERE person='' AND seen<=(SELECT seen FROM sessions "
                    "WHERE person='' ORDER BY seen DESC LIMIT 1 OFFSET ?)",
                    (MOST_ANONYMOUS,),
                )
            rows.execute(
                "INSERT INTO sessions VALUES (?,?,?,?,?,?)",
                (id, owner.person, owner.grants, now, now, data),
            )

    def change(self, id: str, change: Callable[[bytes], bytes]) -> None:
        """Change the content as it stands now; nobody else changes it meanwhile.

        A session that has ended stays ended.
        """
        with self._at_once() as rows:
            found = rows.execute(STANDING, (id, *self._oldest())).fetchone()
            if found:
                data = change(bytes(found[0]))
                rows.execute("UPDATE sessions SET data=? WHERE id=?", (data, id))

    def use(self, id: str) -> None:
        """Mark it as used by its person now, unless it has ended."""
        now = time.time()
        with self._rows() as rows:
            rows.execute(
                "UPDATE sessions SET seen=? WHERE id=? AND seen<? AND seen>? AND began>?",
                (now, id, now - self._idle_sec / GRAIN, *self._oldest()),
            )

    def end(self, id: str) -> None:
        """End it for good, whoever still has its cookie."""
        with self._rows() as rows:
            rows.execute("DELETE FROM sessions WHERE id=?", (id,))

    def end_others(self, owner: Owner) -> None:
        """End the person's sessions whose login granted something else."""
        with self._rows() as rows:
            rows.execute(OTHERS, (owner.person, owner.grants))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _oldest(self) -> tuple[float, float]:
        now = time.time()
        return now - self._idle_sec, now - self._longest_sec

    @contextmanager
    def _at_once(self) -> Iterator[sqlite3.Connection]:
        """Do all or nothing, as the only writer."""
        with self._rows() as rows, rows:
            rows.execute("BEGIN IMMEDIATE")
            yield rows

    @contextmanager
    def _rows(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock:
                yield self._connection
        except sqlite3.Error as error:
            raise Unavailable(
                "sessions", f"the file of the sessions: {type(error).__name__}"
            ) from None
