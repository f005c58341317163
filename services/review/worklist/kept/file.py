"""The file of the index, opened at first use, and again where it was lost."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.review.worklist.kept import schema
from shared.errors import Misconfigured, Unavailable


class File:
    """The file. Safe between threads, each of which has it alone for a moment.

    Each use may raise Unavailable (its dependency is `state`): a damaged file is thrown away then,
    and the next use finds an empty one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._opened = (0, 0)
        self._lock = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read what stood at one moment."""
        with self._using() as db, db:
            db.execute("BEGIN")
            yield db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Write all or nothing."""
        with self._using() as db, db:
            db.execute("BEGIN IMMEDIATE")
            yield db

    def close(self) -> None:
        """Close it; the next use opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._standing()
            except sqlite3.Error as error:
                raise self._classed(error) from None
            except OSError as error:
                raise Misconfigured(
                    f"{self._path} can't be opened for writing ({error.strerror}); check "
                    "CARELOOP_STATE_DIR and who owns it"
                ) from None

    def _standing(self) -> sqlite3.Connection:
        """Return the open file; another one where somebody removed or replaced it."""
        if self._db is not None and self._opened != schema.identity(self._path):
            self._close()
        if self._db is None:
            self._db = schema.open_file(self._path)
            self._opened = schema.identity(self._path)
        return self._db

    def _classed(self, error: sqlite3.Error) -> Unavailable:
        if schema.is_damaged(error):
            # before it is closed: until then no other file gets its number
            schema.remove_file(self._path, self._opened)
            self._close()
            return Unavailable("state", "the worklist's index was damaged and begins anew")
        return Unavailable("state", f"the worklist's index: {error}")
