"""Entries as rows of the table, and back."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.review.panels.declared import panel_of
from services.review.person.folding import folded
from services.review.worklist.kept.entry import Entry
from services.review.worklist.kept.marks import Mark
from services.review.worklist.kept.patients import Known
from services.review.worklist.kept.query import Filter
from shared.fhir.urgency.priority import PRIORITIES

COLUMNS: Final = (
    "task, version, time, service, outcome, revision, subject, rank, created, changed, owner, "
    "owner_name, title, text, reason, decision, severity, alerts, categories, "
    "since, seen, seen_by, seen_name, seen_at"
)
PUT: Final = (
    f"INSERT OR REPLACE INTO heads ({COLUMNS}, words) "  # noqa: S608  # our own columns
    f"VALUES ({', '.join('?' * 25)})"
)


@dataclass(frozen=True)
class Change:
    """A change to one entry.

    Attributes:
        task: the Task's id.
        entry: what stands now; None: the head is gone.
        instead_of: the mark that was known when the EHR was asked. Whatever was written since
            wins, and the next look at the EHR settles it.
    """

    task: str
    entry: Entry | None
    instead_of: Mark | None


@dataclass(frozen=True)
class Listed:
    """An entry as listed, with its patient; None where the EHR has no such record.

    Attributes:
        key: its place in the list, see `query.Place`.
    """

    entry: Entry
    patient: Known | None
    key: tuple[str, ...]


def is_first(db: sqlite3.Connection, change: Change) -> bool:
    """Tell whether what was known when the EHR was asked still stands."""
    row = db.execute("SELECT version, time FROM heads WHERE task = ?", (change.task,)).fetchone()
    return (Mark(*row) if row else None) == change.instead_of


def put(db: sqlite3.Connection, change: Change) -> bool:
    """Make a change within the caller's transaction; tell whether it changes anything."""
    if change.entry is None:
        return db.execute("DELETE FROM heads WHERE task = ?", (change.task,)).rowcount > 0
    sql = f"SELECT {COLUMNS}, words FROM heads WHERE task = ?"  # noqa: S608  # our own columns
    row = _row(change.entry)
    if db.execute(sql, (change.task,)).fetchone() == row:
        return False
    db.execute(PUT, row)
    return True


def _row(entry: Entry) -> tuple[object, ...]:
    title = entry.title or panel_of(entry.service).title
    return (
        entry.task,
        entry.mark.version,
        entry.mark.time,
        entry.service,
        entry.outcome,
        entry.revision,
        entry.subject,
        entry.rank,
        entry.created,
        entry.changed,
        entry.owner,
        entry.owner_name,
        entry.title,
        entry.text,
        entry.reason,
        entry.decision,
        entry.severity,
        entry.alerts,
        " ".join(entry.categories),
        entry.since,
        entry.seen,
        entry.seen_by,
        entry.seen_name,
        entry.seen_at,
        folded(f"{title} {entry.service} {entry.text} {entry.reason}"),
    )


def listed(row: Sequence[Any], wanted: Filter) -> Listed:
    """Read a row of `COLUMNS`, with the name, birth and replaced_by of its patient."""
    *columns, name, birth, replaced_by = row
    value = dict(zip(COLUMNS.split(", "), columns, strict=True))
    key = tuple(str(value[column]) for column in wanted.keys)
    mark = Mark(value.pop("version"), value.pop("time"))
    priority = PRIORITIES[value.pop("rank")]
    categories = tuple(value.pop("categories").split())
    del value["seen"]  # of who is named in seen_by
    entry = Entry(mark=mark, priority=priority, categories=categories, **value)
    return Listed(entry, None if name is None else Known(name, birth, replaced_by), key)
