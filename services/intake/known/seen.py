"""Which versions were met already: a table of intake's state."""

import sqlite3
from collections.abc import Iterable
from typing import Final

from services.intake.known.marks import Mark, mark_of
from shared.events import ResourceEvent
from shared.instants import now

TABLE: Final = """CREATE TABLE IF NOT EXISTS seen (
    focus TEXT, version TEXT, instant TEXT, deleted INTEGER,
    PRIMARY KEY (focus, version, instant, deleted)
) WITHOUT ROWID;
"""
INSERT: Final = "INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)"
UNKNOWN: Final = "?"
"""Behind the instant of our own clock, where the EHR gave none."""
OF_VERSION: Final = (
    "SELECT instant FROM seen WHERE focus = ? AND version = ? AND deleted = ? ORDER BY instant DESC"
)
DELETES_BEFORE: Final = (
    "SELECT version, instant FROM seen WHERE focus = ? AND deleted = 1 AND instant < ?"
)
TAKE_OVER: Final = (
    "ALTER TABLE seen RENAME TO former",
    TABLE,
    "INSERT INTO seen SELECT focus, iif(version = instant, '', version), instant, 0 FROM former",
    "INSERT INTO seen SELECT focus, iif(version = instant, '', version), instant, 1 FROM former",
    "DROP TABLE former",
)
"""A former file does not tell deletes from other versions: each row may have been one."""


def is_new(db: sqlite3.Connection, focus: str, mark: Mark) -> bool:
    """Tell whether this version was not met yet."""
    rows = db.execute(OF_VERSION, (focus, mark.version, mark.deleted))
    times = ("" if at.endswith(UNKNOWN) else at for (at,) in rows)
    return not any(mark.equals(Mark(mark.version, time, mark.deleted)) for time in times)


def add(db: sqlite3.Connection, focus: str, mark: Mark) -> None:
    """Note this version as met."""
    time = mark.time or f"{now()}{UNKNOWN}"
    db.execute(INSERT, (focus, mark.version, time, mark.deleted))


def add_all(db: sqlite3.Connection, events: Iterable[ResourceEvent]) -> None:
    """Note the versions of these events as met, in the order of writing.

    A version that comes after a delete with a higher number belongs to another life of the
    resource. The delete that ends this one may have the same number: it will be new.
    """
    for event in events:
        mark = mark_of(event)
        if not mark.deleted and mark.time:
            for version, at in db.execute(DELETES_BEFORE, (event.focus, mark.time)).fetchall():
                if Mark(version, at, deleted=True).ends(mark):
                    db.execute(
                        "DELETE FROM seen WHERE focus = ? AND version = ? AND deleted = 1",
                        (event.focus, version),
                    )
        add(db, event.focus, mark)
