"""The index of the worklist: what waits for a clinician, kept in SQLite.

The EHR alone is the truth. The index is thrown away and built anew whenever it is lost, and several
processes may share its file. `feed.py` keeps it up to date.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.review.worklist.kept import patients, query, schema
from services.review.worklist.kept.marks import Mark
from services.review.worklist.kept.query import EVERYTHING, Allowed, Filter, Place
from services.review.worklist.kept.rows import COLUMNS, Change, Listed, applied, listed
from shared.errors import Misconfigured, Unavailable
from shared.json import Json

INDEX: Final = "worklist.sqlite"
"""Its name in the state folder."""
CHANGED: Final = "UPDATE facts SET value = value + 1 WHERE name = 'changes'"
LEASE: Final = """INSERT INTO facts VALUES ('lease', ?1 || ' ' || ?2)
ON CONFLICT DO UPDATE SET value = excluded.value
WHERE value LIKE ?1 || ' %' OR CAST(substr(value, instr(value, ' ') + 1) AS REAL) < ?3"""


@dataclass(frozen=True)
class Page:
    """A page of the worklist.

    Attributes:
        before: how many entries stand before it.
        total: how many there are.
    """

    entries: Sequence[Listed]
    before: int
    total: int


class Index:
    """The index. Safe between threads; opened at first use.

    Each method may raise Unavailable (its dependency is `state`), of the file: a damaged one is
    thrown away then, and the next call finds an empty one.

    Args:
        path: a file on a local disk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    # --- for the pages

    def page(
        self,
        wanted: Filter,
        place: Place | None = None,
        size: int = 25,
        allowed: Allowed = EVERYTHING,
    ) -> Page:
        """Return the page at the place; None: the first one."""
        with self._using() as db:
            condition, values = self._where(db, wanted, allowed)
            asked = f"outcome = ? AND {condition}", [wanted.outcome, *values]
            found = [listed(row, wanted) for row in _rows(db, asked, wanted, place, size)]
            total, before = _count(db, asked), 0
            if found and place:
                at, _, key = query.beyond(wanted, Place(found[0].key, is_before=True))
                before = _count(db, (f"{asked[0]} AND {at}", [*asked[1], *key]))
        return Page(found, before, total)

    def counts(self, wanted: Filter, allowed: Allowed = EVERYTHING) -> dict[str, int]:
        """Return how many entries of each outcome fit the filter, its outcome aside."""
        with self._using() as db:
            condition, values = self._where(db, wanted, allowed)
            # conditions are our own texts, values are bound
            sql = f"SELECT outcome, count(*) FROM heads WHERE {condition} GROUP BY outcome"  # noqa: S608
            return dict(db.execute(sql, values).fetchall())

    def by_rank(self, wanted: Filter, allowed: Allowed = EVERYTHING) -> dict[int, int]:
        """Return how many entries fit the filter, its outcome aside, by their rank."""
        with self._using() as db:
            condition, values = self._where(db, wanted, allowed)
            sql = f"SELECT rank, count(*) FROM heads WHERE {condition} GROUP BY rank"  # noqa: S608
            return dict(db.execute(sql, values).fetchall())

    def changes(self) -> int:
        """Return a number that grows with every change, of any process."""
        return int(self.fact("changes") or 0)

    # --- for the feed

    def marks(self, tasks: Iterable[str]) -> dict[str, Mark]:
        """Return the marks of the known ones among these Task ids."""
        found = {}
        with self._using() as db:
            for task in tasks:
                sql = "SELECT version, time FROM heads WHERE task = ?"
                if row := db.execute(sql, (task,)).fetchone():
                    found[task] = Mark(*row)
        return found

    def tasks(self) -> set[str]:
        """Return all Task ids."""
        with self._using() as db:
            return {task for (task,) in db.execute("SELECT task FROM heads")}

    def apply(self, changes: Iterable[Change]) -> int:
        """Make the changes that nobody came before; return how many."""
        made = 0
        with self._writing() as db:
            for change in changes:
                made += applied(db, change)
            if made:
                db.execute(CHANGED)
        return made

    def subjects(self) -> set[str]:
        """Return the patients of all heads, `Patient/id` each."""
        with self._using() as db:
            sql = "SELECT DISTINCT subject FROM heads WHERE subject LIKE 'Patient/%'"
            return {subject for (subject,) in db.execute(sql)}

    def patients(self, references: Iterable[str]) -> dict[str, Mark]:
        """Return the marks of the known records among these."""
        with self._using() as db:
            return patients.marks(db, references)

    def meet(self, found: Sequence[Json], gone: Sequence[str] = ()) -> None:
        """Write these Patients as they stand, and remove those that are gone."""
        with self._writing() as db:
            patients.write(db, found)
            patients.remove(db, gone)
            db.execute(CHANGED)

    def forget_needless(self) -> None:
        """Remove the patients of whom no head is left."""
        with self._writing() as db:
            db.execute(patients.NEEDLESS)

    def fact(self, name: str) -> str | None:
        """Return a fact of the feed; None where it is not known."""
        with self._using() as db:
            row = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def note(self, **facts: str | None) -> None:
        """Keep facts of the feed; None forgets one."""
        with self._writing() as db:
            for name, value in facts.items():
                db.execute("DELETE FROM facts WHERE name = ?", (name,))
                if value is not None:
                    db.execute("INSERT INTO facts VALUES (?, ?)", (name, value))

    def lease(self, holder: str, until: float, now: float) -> bool:
        """Take or keep the right to feed it, unless another process has it.

        Args:
            holder: a name without blanks.
            until, now: seconds since the epoch.
        """
        with self._writing() as db:
            return db.execute(LEASE, (holder, until, now)).rowcount > 0

    def reopen_if_lost(self) -> None:
        """Begin a new file where somebody removed the one that is open."""
        with self._lock:
            if self._db is not None and not self.path.exists():
                self._close()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._close()

    # ---

    def _where(self, db: sqlite3.Connection, wanted: Filter, allowed: Allowed) -> query.Where:
        if allowed.words is None or not wanted.text.strip():
            return query.where(wanted, None, allowed)
        pairs = db.execute("SELECT DISTINCT service, categories FROM heads").fetchall()
        may = [(s, c) for s, c in pairs if allowed.words(s, frozenset(c.split()))]
        return query.where(wanted, may, allowed)

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._using() as db, db:
            db.execute("BEGIN IMMEDIATE")
            yield db

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        """The file, for one thread at a time."""
        with self._lock:
            try:
                if self._db is None:
                    self._db = schema.open_file(self.path)
                yield self._db
            except sqlite3.Error as error:
                raise self._classed(error) from None
            except OSError as error:
                raise Misconfigured(
                    f"{self.path} can't be opened for writing ({error.strerror}); check "
                    "CARELOOP_STATE_DIR and who owns it"
                ) from None

    def _classed(self, error: sqlite3.Error) -> Unavailable:
        if schema.is_damaged(error):
            self._close()
            schema.remove_file(self.path)
            return Unavailable("state", "the worklist's index was damaged and begins anew")
        return Unavailable("state", f"the worklist's index: {error}")


def _count(db: sqlite3.Connection, asked: query.Where) -> int:
    condition, values = asked
    sql = f"SELECT count(*) FROM heads WHERE {condition}"  # noqa: S608  # our own text
    [count] = db.execute(sql, values).fetchone()
    return int(count)


def _rows(
    db: sqlite3.Connection, asked: query.Where, wanted: Filter, place: Place | None, size: int
) -> list[Sequence[object]]:
    """Read the rows of a page, in the order of the list."""
    condition, values = asked
    at, by, key = query.beyond(wanted, place) if place else ("1", query.order(wanted), [])
    columns = ", ".join(f"heads.{column}" for column in COLUMNS.split(", "))
    rows: list[Sequence[object]] = db.execute(
        f"SELECT {columns}, name, birth, replaced_by FROM ("  # noqa: S608  # our own texts
        f"SELECT * FROM heads WHERE {condition} AND {at} ORDER BY {by} LIMIT ?"
        f") AS heads LEFT JOIN patients ON reference = subject ORDER BY {by}",
        [*values, *key, size],
    ).fetchall()
    return rows[::-1] if place and place.is_before else rows
