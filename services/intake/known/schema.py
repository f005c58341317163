"""The tables of intake's state, and how former files become these."""

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from services.intake.known import seen
from services.intake.watched import Watch
from shared.errors import Misconfigured
from shared.events import ResourceEvent, decode, encode
from shared.instants import instant

VERSION = 3
KEPT = timedelta(days=1)
"""What is older when it is published, as in a first sweep of everything, does not become `recent`
any more.
"""
PLANS = """CREATE TABLE IF NOT EXISTS plans (
    subject TEXT, service TEXT, instant TEXT NOT NULL, event BLOB NOT NULL,
    PRIMARY KEY (subject, service)
) WITHOUT ROWID;
"""
SCHEMA = f"""{PLANS}{seen.TABLE}CREATE TABLE IF NOT EXISTS cursors (
    kind TEXT PRIMARY KEY, instant TEXT NOT NULL, anchor TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (
    name TEXT PRIMARY KEY, value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS foci (
    focus TEXT PRIMARY KEY, subject TEXT, instant TEXT NOT NULL, event BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recent (
    focus TEXT PRIMARY KEY, instant TEXT NOT NULL, event BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS foci_about ON foci (subject);
CREATE TABLE IF NOT EXISTS due (
    reference TEXT PRIMARY KEY, instant TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS numbers (
    subscription TEXT PRIMARY KEY, last INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS links (
    patient TEXT, other TEXT, PRIMARY KEY (patient, other)
) WITHOUT ROWID;
"""
"""`foci`, `plans` and `links` stay for good, `seen` and `recent` as long as a sweep may look at
them again, `due` until it was published once more.
"""
ADVANCE = """INSERT INTO cursors VALUES (?, ?, ?) ON CONFLICT DO UPDATE
SET instant = excluded.instant, anchor = excluded.anchor WHERE excluded.instant > instant"""
BEGIN_AGAIN = (
    "DELETE FROM cursors",
    "DELETE FROM seen",
    "DELETE FROM facts WHERE name = 'swept'",
)
BELIEVE = (
    "UPDATE foci SET instant = ''",
    "UPDATE recent SET instant = ''",
    "UPDATE plans SET instant = ''",
)
"""Whatever is found next replaces what was known."""
NEWEST = """SELECT event, max(instant) AS newest FROM (
SELECT focus, event, instant FROM recent WHERE focus > ?1 AND focus < ?2
UNION ALL SELECT focus, event, instant FROM foci WHERE focus > ?1 AND focus < ?2
) GROUP BY focus ORDER BY newest DESC LIMIT 20"""
FOCUS = """INSERT INTO foci (event, instant, focus, subject) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET subject = excluded.subject, instant = excluded.instant,
event = excluded.event WHERE excluded.instant >= instant"""
RECENT = """INSERT INTO recent (event, instant, focus) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET instant = excluded.instant, event = excluded.event
WHERE excluded.instant >= instant"""
LAST = """SELECT event FROM (
SELECT event, instant, 1 AS rank FROM recent WHERE focus = ?1
UNION ALL SELECT event, instant, 2 AS rank FROM foci WHERE focus = ?1
) ORDER BY instant DESC, rank LIMIT 1"""
"""Either may be the older: a resource can become an input, and cease to be one."""
PLAN = """INSERT INTO plans (event, instant, subject, service) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET instant = excluded.instant, event = excluded.event
WHERE excluded.instant >= instant"""
FORGET = (
    "DELETE FROM seen WHERE focus > ? AND focus < ? AND instant < ?",
    "DELETE FROM recent WHERE focus > ? AND focus < ? AND instant < ?",
)
NUMBER = (
    "INSERT INTO numbers VALUES (?, ?) ON CONFLICT DO UPDATE SET last = max(last, excluded.last)"
)
LINK = "INSERT OR IGNORE INTO links VALUES (?1, ?2), (?2, ?1)"
LINKED = """WITH RECURSIVE person(record) AS (
SELECT ?1 UNION SELECT other FROM links JOIN person ON patient = record
) SELECT record FROM person LIMIT 64"""
"""More than any person has: of more than 16 the services refuse to choose."""
KNOWN = """UPDATE foci SET event = ?, instant = ?, subject = ?
WHERE focus = ? AND ? >= instant"""
"""An input that is none any more, such as an Observation with another code: it stays known."""
INPUTS_OF_0_1_0 = "DocumentReference ImagingStudy"
COUNTED = "INSERT OR REPLACE INTO facts VALUES ('counted', '1')"
FIRST = "SELECT 1 FROM foci WHERE json_extract(CAST(event AS TEXT), '$.version') = '1' LIMIT 1"
PASSED = (
    "DELETE FROM foci WHERE focus > ? AND focus < ? AND json_extract(CAST(event AS TEXT), "
    "'$.version') NOT GLOB '*[^0-9]*'"
)


def remember(
    db: sqlite3.Connection,
    events: Iterable[tuple[ResourceEvent, str]],
    watch: Watch,
    *,
    counted: bool,
) -> None:
    """Keep the newest of each focus, within the caller's transaction.

    Args:
        counted: this EHR counts the versions of a resource: 1, 2, 3. So whose a resource was is
            told by the version before, and what nobody tells again need not be kept for good.
    """
    long_ago = instant(datetime.now(UTC) - KEPT)
    rows = [
        (
            encode(event, "")[1],
            at,
            event,
            counted and watch.is_passing(event) and event.version.isdecimal(),
        )
        for event, at in events
    ]
    db.executemany(
        RECENT,
        [(value, at, e.focus) for value, at, e, passing in rows if passing and at > long_ago],
    )
    db.executemany(
        FOCUS, [(value, at, e.focus, e.subject) for value, at, e, passing in rows if not passing]
    )
    if set(watch.inputs) & set(watch.passing):
        db.executemany(
            KNOWN,
            [(value, at, e.subject, e.focus, at) for value, at, e, passing in rows if passing],
        )
    _remember_plans(db, [(value, at) for value, at, _, _ in rows], watch)


def open_tables(db: sqlite3.Connection, watch: Watch) -> None:
    """Make what is missing, and take over the file of a former version.

    Raises:
        Misconfigured: a later version of careloop made the file.
    """
    [version] = db.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise Misconfigured(
            f"it was made by a later version of careloop (schema {version}, this one knows "
            f"{VERSION})"
        )
    db.executescript(SCHEMA)
    if version < VERSION:
        with db:
            db.execute("BEGIN IMMEDIATE")
            for step in (_take_over_0, _take_over_1, _take_over_2)[version:]:
                step(db, watch)
            db.execute(f"PRAGMA user_version = {VERSION}")
    _sweep_new_wishes(db, watch)


def _take_over_0(db: sqlite3.Connection, watch: Watch) -> None:
    """Migrate from a state with every focus and no plans.

    An empty file is one of these.
    """
    former = db.execute(
        "SELECT event, instant FROM foci WHERE focus > 'DiagnosticReport/' AND focus < "
        "'MedicationRequest0'"
    ).fetchall()
    _remember_plans(db, former, watch)
    if db.execute(FIRST).fetchone():
        db.execute(COUNTED)
        db.executemany(PASSED, [(f"{kind}/", f"{kind}0") for kind in watch.passing])
    db.execute("DROP INDEX IF EXISTS foci_of")


def _take_over_1(db: sqlite3.Connection, watch: Watch) -> None:
    """One event was kept per patient, whichever service accepts it."""
    former = db.execute("SELECT event, instant FROM plans").fetchall()
    db.execute("DROP TABLE plans")
    db.execute(PLANS)
    _remember_plans(db, former, watch)


def _take_over_2(db: sqlite3.Connection, _: Watch) -> None:
    """A version was known by its number alone."""
    if "deleted" not in _columns(db, "seen"):
        for statement in seen.TAKE_OVER:
            db.execute(statement)
    if "anchor" not in _columns(db, "cursors"):
        db.execute("ALTER TABLE cursors ADD COLUMN anchor TEXT NOT NULL DEFAULT ''")


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    return {name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")}


def _remember_plans(db: sqlite3.Connection, events: list[tuple[bytes, str]], watch: Watch) -> None:
    rows = [
        (value, at, e.subject, service)
        for value, at in events
        if (e := decode(value)).subject
        for service in watch.plans_by(e)
    ]
    db.executemany(PLAN, rows)


def _sweep_new_wishes(db: sqlite3.Connection, watch: Watch) -> None:
    """Sweep a type again for a service new to it.

    What nobody accepted until then was not published.
    """
    facts = dict(db.execute("SELECT name, value FROM facts"))
    if "wishes" in facts:
        before = set(facts["wishes"].split())
    else:
        inputs = facts.get("inputs", INPUTS_OF_0_1_0).split()
        before = {w for w in watch.wishes if w.split(":")[1] not in set(watch.inputs) - {*inputs}}
    with db:
        db.execute("BEGIN IMMEDIATE")
        for kind in sorted({wish.split(":")[1] for wish in watch.wishes - before}):
            db.execute("DELETE FROM cursors WHERE kind = ?", (kind,))
            db.execute("DELETE FROM seen WHERE focus > ? AND focus < ?", (f"{kind}/", f"{kind}0"))
        wishes = " ".join(sorted(watch.wishes))
        db.execute("INSERT OR REPLACE INTO facts VALUES ('wishes', ?)", (wishes,))
