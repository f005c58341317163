"""What intake remembers, in SQLite in its state folder, never in the broker.

Cursors, versions seen, foci, event numbers.

All instants in it are UTC with milliseconds, so that they compare as text.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from services.intake.known import schema, seen
from services.intake.known.marks import Mark
from services.intake.watched import Watch, installed
from shared.disk.private import private_file, private_folder
from shared.errors import Misconfigured, Unavailable
from shared.events import ResourceEvent, decode
from shared.instants import now

PAGE = 500
"""Events of one patient that are held at once."""
PASSES = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
"""What may end by itself, or when somebody makes room."""


class State:
    """What intake remembers: one file, one process, safe between its threads.

    `db` is its connection, for a look. Each method may raise Unavailable, of the file.

    Raises:
        Misconfigured: the file is corrupt or the folder can't be written.
        Unavailable: the disk is full, or another process holds the file.
    """

    def __init__(self, path: Path, watch: Watch | None = None) -> None:
        self._watch = watch or installed()
        self._lock = threading.Lock()
        try:
            private_folder(path.parent)
            private_file(path)
            self.db = sqlite3.connect(
                path, timeout=10, isolation_level=None, check_same_thread=False
            )
            self._open()
            self._counted = self._fact("counted") is not None
        except (sqlite3.DatabaseError, OSError, Misconfigured) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in PASSES:
                raise Unavailable("state", f"{path}: {error}") from None
            raise Misconfigured(
                f"intake can't keep its cursor in {path}: {error}. Point CARELOOP_STATE_DIR at a "
                "writable local folder, or remove the file"
            ) from None

    def _open(self) -> None:
        try:
            self.db.execute("PRAGMA journal_mode=WAL")
            self.db.execute("PRAGMA synchronous=FULL")
            schema.open_tables(self.db, self._watch)
        except BaseException:
            self.db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self.db.close()

    def begin(self, instant: str) -> str:
        """Return the start of first sweeps.

        It is the instant that the first call named, for ever.
        """
        self._do("INSERT OR IGNORE INTO facts VALUES ('began', ?)", instant)
        return self._fact("began") or instant

    def cursor(self, kind: str) -> str | None:
        """Up to where this type was swept."""
        return self._one("SELECT instant FROM cursors WHERE kind = ?", kind)

    def advance(self, kind: str, instant: str, anchor: str = "") -> None:
        """The type was swept and published up to here.

        Args:
            anchor: the focus whose version has this instant.
        """
        self._do(schema.ADVANCE, kind, instant, anchor)

    def anchor(self, kind: str) -> str | None:
        """The focus of the version at the cursor; None if it is not known."""
        return self._one("SELECT anchor FROM cursors WHERE kind = ?", kind) or None

    def move_back(self, kind: str, instant: str) -> None:
        """The type is swept again from here on."""
        self._do("INSERT OR REPLACE INTO cursors VALUES (?, ?, '')", kind, instant)

    def swept(self) -> str | None:
        """When the newest complete sweep of all types began."""
        return self._fact("swept")

    def complete(self, began: str) -> None:
        """A sweep of all types that began then is complete."""
        self._do("INSERT OR REPLACE INTO facts VALUES ('swept', ?)", began)

    def same_log(self, identity: str) -> bool:
        """Whether this is the event log that we published to.

        If not, it is from now on, and all must be published to it again.
        """
        with self._writing() as db:
            row = db.execute("SELECT value FROM facts WHERE name = 'log'").fetchone()
            db.execute("INSERT OR REPLACE INTO facts VALUES ('log', ?)", (identity,))
            same = row is None or row[0] == identity
            if not same:
                for statement in schema.BEGIN_AGAIN:
                    db.execute(statement)
        return bool(same)

    def begin_again(self) -> None:
        """Sweep everything again, and believe even old findings."""
        with self._writing() as db:
            for statement in (*schema.BEGIN_AGAIN, *schema.BELIEVE):
                db.execute(statement)

    def prove_writable(self) -> None:
        """Try a write to the state.

        Each sweep would publish again what could not be remembered.
        """
        self._do("INSERT OR REPLACE INTO facts VALUES ('wrote', ?)", now())

    def is_new(self, focus: str, mark: Mark) -> bool:
        """Tell whether this version was not published yet."""
        with self._using() as db:
            return seen.is_new(db, focus, mark)

    def remember(self, published: Iterable[ResourceEvent], due: Iterable[str] = ()) -> None:
        """Remember durably published events in order, and repeats to come."""
        events = list(published)
        counted = self._counted or any(event.version == "1" for event in events)
        with self._writing() as db:
            seen.add_all(db, events)
            if counted and not self._counted:
                db.execute(schema.COUNTED)
            schema.remember(
                db, [(e, e.time or now()) for e in events], self._watch, counted=counted
            )
            db.executemany(
                "INSERT OR REPLACE INTO due VALUES (?, ?)",
                [(reference, now()) for reference in due],
            )
        self._counted = counted

    def to_recheck(self, before: str) -> list[str]:
        """A page of repeats due, first told before this instant."""
        with self._using() as db:
            return [
                reference
                for (reference,) in db.execute(
                    "SELECT reference FROM due WHERE instant < ? LIMIT ?", (before, PAGE)
                )
            ]

    def rechecked(self, reference: str) -> None:
        """No longer due."""
        self._do("DELETE FROM due WHERE reference = ?", reference)

    def skip(self, focus: str, mark: Mark) -> None:
        """This version can't be published: do not look at it again."""
        with self._writing() as db:
            seen.add(db, focus, mark)

    @property
    def counted(self) -> bool:
        """This EHR counts the versions of a resource: some version was a first one.

        (Others number all that they write, or draw lots.)
        """
        return self._counted

    def last(self, focus: str) -> ResourceEvent | None:
        """The newest event of this focus that we published and still know."""
        return self._event(schema.LAST, focus)

    def newest(self, kind: str) -> list[ResourceEvent]:
        """The newest known events of the type."""
        with self._using() as db:
            rows = db.execute(schema.NEWEST, (f"{kind}/", f"{kind}0"))
            return [decode(event) for event, _ in rows]

    def inputs_of(self, subject: str) -> Iterator[list[ResourceEvent]]:
        """The last event of each resource of this patient with a possible answer.

        All of them, page by page.
        """
        for kind in self._watch.inputs:
            after = f"{kind}/"
            while page := self._foci(subject, after, f"{kind}0"):  # `0` follows `/`
                yield [event for event in page if self._watch.is_input(event)]
                after = page[-1].focus

    def plans_of(self, subject: str) -> list[ResourceEvent]:
        """Return the newest event for each plan of this patient."""
        with self._using() as db:
            rows = db.execute("SELECT DISTINCT event FROM plans WHERE subject = ?", (subject,))
            return [decode(event) for (event,) in rows]

    def link(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Remember these patient records as linked, for good.

        So an unmerge is known, too.
        """
        with self._writing() as db:
            db.executemany(schema.LINK, pairs)

    def linked(self, patient: str) -> list[str]:
        """The record, and all ever linked with it, also over others."""
        with self._using() as db:
            return [record for (record,) in db.execute(schema.LINKED, (patient,))]

    def forget(self, kind: str, before: str) -> None:
        """Drop versions of this type from before this instant.

        No sweep looks at them again.
        """
        with self._writing() as db:
            for statement in schema.FORGET:
                db.execute(statement, (f"{kind}/", f"{kind}0", before))

    def number(self, subscription: str) -> int | None:
        """The last event number heard from a Subscription."""
        found = self._one("SELECT last FROM numbers WHERE subscription = ?", subscription)
        return int(found) if found is not None else None

    def start_event_count(self, subscription: str, number: int) -> None:
        """Events are counted from this number on, unless some were heard already."""
        self._do("INSERT OR IGNORE INTO numbers VALUES (?, ?)", subscription, number)

    def record_event_number(self, subscription: str, number: int) -> None:
        """All events of the Subscription up to this number are published."""
        self._do(schema.NUMBER, subscription, number)

    def facts(self, prefix: str) -> dict[str, str]:
        """The facts with this prefix in their names."""
        with self._using() as db:
            query = "SELECT name, value FROM facts WHERE name GLOB ?"
            return dict(db.execute(query, (f"{prefix}*",)).fetchall())

    def note(self, name: str, value: str | None) -> None:
        """Keep a fact; None forgets it."""
        self._do("DELETE FROM facts WHERE name = ?", name)
        if value is not None:
            self._do("INSERT INTO facts VALUES (?, ?)", name, value)

    def _event(self, query: str, value: str) -> ResourceEvent | None:
        with self._using() as db:
            row = db.execute(query, (value,)).fetchone()
        return decode(row[0]) if row else None

    def _foci(self, subject: str, after: str, below: str) -> list[ResourceEvent]:
        query = (
            "SELECT event FROM foci WHERE subject = ? AND focus > ? AND focus < ? ORDER BY "
            "focus LIMIT ?"
        )
        with self._using() as db:
            rows = db.execute(query, (subject, after, below, PAGE)).fetchall()
        return [decode(event) for (event,) in rows]

    def _fact(self, name: str) -> str | None:
        return self._one("SELECT value FROM facts WHERE name = ?", name)

    def _one(self, query: str, *values: object) -> str | None:
        with self._using() as db:
            row = db.execute(query, values).fetchone()
        return row[0] if row else None

    def _do(self, statement: str, *values: object) -> None:
        with self._using() as db:
            db.execute(statement, values)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._using() as db, db:
            db.execute("BEGIN IMMEDIATE")
            yield db

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        """The file, for one thread at a time.

        What is wrong with it is Unavailable: the sweep tries again and /readyz says so.
        """
        with self._lock:
            try:
                yield self.db
            except sqlite3.Error as error:
                raise Unavailable("state", str(error)) from error
