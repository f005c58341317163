"""What intake remembers, in SQLite in its state folder, never in the broker: cursors, versions seen, foci, event numbers.

All instants in it are UTC with milliseconds, so that they compare as text.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from services.intake.watched import INPUTS, draws_plan
from shared.errors import Misconfigured
from shared.events import ResourceEvent, decode, encode
from shared.fhir.instants import now

SCHEMA = """
CREATE TABLE IF NOT EXISTS cursors (kind TEXT PRIMARY KEY, instant TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (focus TEXT, version TEXT, instant TEXT NOT NULL, PRIMARY KEY (focus, version)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS foci (focus TEXT PRIMARY KEY, subject TEXT, instant TEXT NOT NULL, event BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS foci_about ON foci (subject);
CREATE TABLE IF NOT EXISTS plans (subject TEXT PRIMARY KEY, instant TEXT NOT NULL, event BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS numbers (subscription TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
"""
REMEMBER_FOCUS = """INSERT INTO foci VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
SET subject = excluded.subject, instant = excluded.instant, event = excluded.event WHERE excluded.instant >= instant"""
REMEMBER_PLAN = """INSERT INTO plans VALUES (?, ?, ?) ON CONFLICT DO UPDATE
SET instant = excluded.instant, event = excluded.event WHERE excluded.instant >= instant"""
VERSION = 1
PAGE = 500
"""Events of one patient that are held at once."""


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
            self._bring_up_to_date()
        except (sqlite3.DatabaseError, OSError) as error:
            raise Misconfigured(
                f"intake can't keep its cursor in {path}: {error}. Point CARELOOP_STATE_DIR at a writable local folder, or remove the file"
            ) from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def begin(self, instant: str) -> str:
        """Where every type's first sweep begins: the instant that the first call named, for ever."""
        self._do("INSERT OR IGNORE INTO facts VALUES ('began', ?)", instant)
        return self._fact("began") or instant

    def cursor(self, kind: str) -> str | None:
        """Up to where this type was swept."""
        return self._one("SELECT instant FROM cursors WHERE kind = ?", kind)

    def advance(self, kind: str, instant: str) -> None:
        """The type was swept and published up to here."""
        self._do("INSERT INTO cursors VALUES (?, ?) ON CONFLICT DO UPDATE SET instant = max(instant, excluded.instant)", kind, instant)

    def swept(self) -> str | None:
        """When the newest complete sweep of all types began."""
        return self._fact("swept")

    def complete(self, began: str) -> None:
        """A sweep of all types that began then is complete."""
        self._do("INSERT OR REPLACE INTO facts VALUES ('swept', ?)", began)

    def same_log(self, identity: str) -> bool:
        """Whether this is the event log that we published to. If not, it is from now on, and all must be published to it again."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            row = self._db.execute("SELECT value FROM facts WHERE name = 'log'").fetchone()
            self._db.execute("INSERT OR REPLACE INTO facts VALUES ('log', ?)", (identity,))
            same = row is None or row[0] == identity
            if not same:
                self._db.execute("DELETE FROM cursors")
                self._db.execute("DELETE FROM seen")
                self._db.execute("DELETE FROM facts WHERE name = 'swept'")
        return same

    def is_new(self, focus: str, version: str) -> bool:
        """This version was not published yet."""
        return self._one("SELECT 1 FROM seen WHERE focus = ? AND version = ?", focus, version) is None

    def remember(self, published: Iterable[tuple[str, ResourceEvent]]) -> None:
        """What is durably published: (version as `is_new` is asked for it, event). The newest event of a focus stays for good."""
        rows = [(version, event, event.time or now()) for version, event in published]
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", [(event.focus, version, at) for version, event, at in rows])
            self._db.executemany(REMEMBER_FOCUS, [(event.focus, event.subject, at, encode(event, "")[1]) for _, event, at in rows])
            self._remember_plans((event, at) for _, event, at in rows)

    def skip(self, focus: str, version: str) -> None:
        """This version can't be published: do not look at it again."""
        self._do("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", focus, version, now())

    def last(self, focus: str) -> ResourceEvent | None:
        """The newest event of this focus that we published."""
        return self._event("SELECT event FROM foci WHERE focus = ?", focus)

    def inputs_of(self, subject: str) -> Iterator[list[ResourceEvent]]:
        """The last event of each ImagingStudy and DocumentReference of this patient: all of them, page by page."""
        for kind in INPUTS:
            after = f"{kind}/"
            while page := self._foci(subject, after, f"{kind}0"):  # `0` follows `/`
                yield page
                after = page[-1].focus

    def plan_of(self, subject: str) -> ResourceEvent | None:
        """The newest event of this patient that may have drawn a plan."""
        return self._event("SELECT event FROM plans WHERE subject = ?", subject)

    def forget(self, kind: str, before: str) -> None:
        """Versions of this type that no sweep will look at again: those from before this instant."""
        self._do("DELETE FROM seen WHERE focus > ? AND focus < ? AND instant < ?", f"{kind}/", f"{kind}0", before)

    def number(self, subscription: str) -> int | None:
        """The last event number heard from a Subscription."""
        found = self._one("SELECT last FROM numbers WHERE subscription = ?", subscription)
        return int(found) if found is not None else None

    def shaken(self, subscription: str, number: int) -> None:
        """Events are counted from this number on, unless some were heard already: a handshake may come late or again."""
        self._do("INSERT OR IGNORE INTO numbers VALUES (?, ?)", subscription, number)

    def heard(self, subscription: str, number: int) -> None:
        """All events of the Subscription up to this number are published."""
        self._do("INSERT INTO numbers VALUES (?, ?) ON CONFLICT DO UPDATE SET last = max(last, excluded.last)", subscription, number)

    def _event(self, query: str, value: str) -> ResourceEvent | None:
        with self._lock:
            row = self._db.execute(query, (value,)).fetchone()
        return decode(row[0]) if row else None

    def _foci(self, subject: str, after: str, below: str) -> list[ResourceEvent]:
        query = "SELECT event FROM foci WHERE subject = ? AND focus > ? AND focus < ? ORDER BY focus LIMIT ?"
        with self._lock:
            rows = self._db.execute(query, (subject, after, below, PAGE)).fetchall()
        return [decode(event) for (event,) in rows]

    def _remember_plans(self, events: Iterable[tuple[ResourceEvent, str]]) -> None:
        drawing = [(event.subject, at, encode(event, "")[1]) for event, at in events if event.subject and draws_plan(event)]
        self._db.executemany(REMEMBER_PLAN, drawing)

    def _bring_up_to_date(self) -> None:
        """A file of a former version knew of no plans, but every event."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if self._db.execute("PRAGMA user_version").fetchone()[0] >= VERSION:
                return
            former = self._db.execute("SELECT event, instant FROM foci WHERE focus > 'DiagnosticReport/' AND focus < 'MedicationRequest0'")
            self._remember_plans((decode(event), at) for event, at in former)
            self._db.execute("DROP INDEX IF EXISTS foci_of")
            self._db.execute(f"PRAGMA user_version = {VERSION}")

    def _fact(self, name: str) -> str | None:
        return self._one("SELECT value FROM facts WHERE name = ?", name)

    def _one(self, query: str, *values: object) -> str | None:
        with self._lock:
            row = self._db.execute(query, values).fetchone()
        return row[0] if row else None

    def _do(self, statement: str, *values: object) -> None:
        with self._lock:
            self._db.execute(statement, values)
