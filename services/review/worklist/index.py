"""The index of the worklist: what waits for a clinician, kept in SQLite.

The EHR alone is the truth. The index is thrown away and built anew whenever it is lost, and several
processes may share its file. `feed.py` keeps it up to date.
"""

import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.review.worklist.kept import doubts, patients, query
from services.review.worklist.kept.file import File
from services.review.worklist.kept.marks import Mark
from services.review.worklist.kept.query import EVERYTHING, Allowed, Filter, Place
from services.review.worklist.kept.rows import COLUMNS, Change, Listed, is_first, listed, put
from shared.json import Json

INDEX: Final = "worklist.sqlite"
"""Its name in the state folder."""
CHANGES: Final = "SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'changes'"
CHANGED: Final = "UPDATE facts SET value = value + 1 WHERE name = 'changes'"
LEASE: Final = """INSERT INTO facts VALUES ('lease', ?1 || ' ' || ?2)
ON CONFLICT DO UPDATE SET value = excluded.value
WHERE ?4 OR value LIKE ?1 || ' %' OR CAST(substr(value, instr(value, ' ') + 1) AS REAL) < ?3"""
RELEASE: Final = "DELETE FROM facts WHERE name = 'lease' AND value LIKE ? || ' %'"


@dataclass(frozen=True)
class Page:
    """A page of the worklist, as of one moment.

    Attributes:
        before: how many entries stand before it.
        total: how many there are.
        counts: how many entries of each outcome fit the filter, its outcome aside.
        changes: see `Index.changes`.
    """

    entries: Sequence[Listed]
    before: int = 0
    total: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    changes: int = 0


class Index:
    """The index. Safe between threads; opened at first use.

    Each method may raise Unavailable, see `kept.file.File`.

    Args:
        path: a file on a local disk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = File(path)

    # --- for the pages

    def page(
        self,
        wanted: Filter,
        place: Place | None = None,
        size: int = 25,
        allowed: Allowed = EVERYTHING,
    ) -> Page:
        """Return the page at the place; None: the first one."""
        with self._file.reading() as db:
            condition, values = _where(db, wanted, allowed)
            # conditions are our own texts, values are bound
            sql = f"SELECT outcome, count(*) FROM heads WHERE {condition} GROUP BY outcome"  # noqa: S608
            counts: dict[str, int] = dict(db.execute(sql, values).fetchall())
            asked = f"outcome = ? AND {condition}", [wanted.outcome, *values]
            found = [listed(row, wanted) for row in _rows(db, asked, wanted, place, size)]
            before = _before(db, asked, wanted, found[0].key) if found and place else 0
            [changes] = db.execute(CHANGES).fetchone()
        return Page(found, before, counts.get(wanted.outcome, 0), counts, changes)

    def by_rank(self, wanted: Filter, allowed: Allowed = EVERYTHING) -> dict[int, int]:
        """Return how many entries fit the filter, its outcome aside, by their rank."""
        with self._file.reading() as db:
            condition, values = _where(db, wanted, allowed)
            sql = f"SELECT rank, count(*) FROM heads WHERE {condition} GROUP BY rank"  # noqa: S608
            return dict(db.execute(sql, values).fetchall())

    def changes(self) -> int:
        """Return a number that grows with every change, of any process."""
        with self._file.reading() as db:
            [changes] = db.execute(CHANGES).fetchone()
        return int(changes)

    def records(self, patient: str) -> list[str]:
        """List the records linked with this one, as far as they are known here."""
        with self._file.reading() as db:
            return patients.records(db, patient)

    # --- for the feed: heads

    def marks(self, tasks: Iterable[str]) -> dict[str, Mark]:
        """Return the marks of the known ones among these Task ids."""
        found = {}
        with self._file.reading() as db:
            for task in tasks:
                sql = "SELECT version, time FROM heads WHERE task = ?"
                if row := db.execute(sql, (task,)).fetchone():
                    found[task] = Mark(*row)
        return found

    def tasks(self) -> set[str]:
        """Return all Task ids."""
        with self._file.reading() as db:
            return {task for (task,) in db.execute("SELECT task FROM heads")}

    def apply(self, changes: Iterable[Change]) -> set[str]:
        """Make the changes that nobody came before; return the ids of the others."""
        late = set()
        with self._file.writing() as db:
            made = 0
            for change in changes:
                if is_first(db, change):
                    made += put(db, change)
                else:
                    late.add(change.task)
            if made:
                db.execute(CHANGED)
        return late

    def doubt(self, tasks: Iterable[str]) -> None:
        """Note Tasks to be looked at again."""
        if unsure := list(tasks):
            with self._file.writing() as db:
                doubts.add(db, unsure, time.time())

    def doubts(self) -> list[str]:
        """List the Tasks that are to be looked at again now."""
        with self._file.reading() as db:
            return doubts.due(db, time.time())

    def trust(self, tasks: Iterable[str]) -> None:
        """Note that these Tasks were read as a whole."""
        with self._file.writing() as db:
            doubts.remove(db, tasks)

    # --- for the feed: patients

    def subjects(self) -> set[str]:
        """Return the patients of all heads, `Patient/id` each."""
        with self._file.reading() as db:
            sql = "SELECT DISTINCT subject FROM heads WHERE subject LIKE 'Patient/%'"
            return {subject for (subject,) in db.execute(sql)}

    def patients(self, references: Iterable[str]) -> dict[str, Mark]:
        """Return the marks of the known records among these."""
        with self._file.reading() as db:
            return patients.marks(db, references)

    def concerns(self, references: Iterable[str]) -> bool:
        """Tell whether one of these records is known here, or the subject of a head."""
        with self._file.reading() as db:
            return patients.concerning(db, references)

    def newest_patient(self, until: str) -> tuple[str, str]:
        """Return the newest record up to the instant, and its time; empty for none."""
        with self._file.reading() as db:
            return patients.newest(db, until)

    def meet(self, found: Sequence[Json], gone: Sequence[str] = ()) -> None:
        """Write these Patients as they stand, and remove those that are gone."""
        with self._file.writing() as db:
            if patients.write(db, found) + patients.remove(db, gone):
                db.execute(CHANGED)

    def forget_needless(self) -> None:
        """Remove the patients of whom no head is left."""
        with self._file.writing() as db:
            for statement in patients.NEEDLESS:
                db.execute(statement)

    # --- for the feed: its own facts

    def fact(self, name: str) -> str | None:
        """Return a fact of the feed; None where it is not known."""
        with self._file.reading() as db:
            row = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def note(self, **facts: str | None) -> None:
        """Keep facts of the feed; None forgets one."""
        with self._file.writing() as db:
            for name, value in facts.items():
                db.execute("DELETE FROM facts WHERE name = ?", (name,))
                if value is not None:
                    db.execute("INSERT INTO facts VALUES (?, ?)", (name, value))

    def lease(self, holder: str, until: float, now: float, *, by_force: bool = False) -> bool:
        """Take or keep the right to feed it, unless another process has it.

        Args:
            holder: a name without blanks.
            until, now: seconds since the epoch.
            by_force: take it from whoever has it.
        """
        with self._file.writing() as db:
            return db.execute(LEASE, (holder, until, now, by_force)).rowcount > 0

    def release(self, holder: str) -> None:
        """Give the right back; another process goes on at once."""
        with self._file.writing() as db:
            db.execute(RELEASE, (holder,))

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._file.close()


def _where(db: sqlite3.Connection, wanted: Filter, allowed: Allowed) -> query.Where:
    if allowed.words is None or not wanted.text.strip():
        return query.where(wanted, None, allowed)
    pairs = db.execute("SELECT DISTINCT service, categories FROM heads").fetchall()
    may = [(s, c) for s, c in pairs if allowed.words(s, frozenset(c.split()))]
    return query.where(wanted, may, allowed)


def _before(
    db: sqlite3.Connection, asked: query.Where, wanted: Filter, key: tuple[str, ...]
) -> int:
    """Count what stands before an entry."""
    condition, values = asked
    at, _, place = query.beyond(wanted, Place(key, is_before=True))
    sql = f"SELECT count(*) FROM heads WHERE {condition} AND {at}"  # noqa: S608  # our own texts
    [count] = db.execute(sql, [*values, *place]).fetchone()
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
