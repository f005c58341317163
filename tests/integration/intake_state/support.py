"""What the tests of intake state share."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from services.intake.state import State
from shared.events import ResourceEvent
from tests.integration.intake_changes.support import ACCEPTED, Intake, moment

LAB = "Observation/1"


PATIENT = "Patient/1"


ABOUT = {"subject": {"reference": PATIENT}}


FORMER = """
CREATE TABLE cursors (kind TEXT PRIMARY KEY, instant TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE seen (
  focus TEXT, version TEXT, instant TEXT NOT NULL, PRIMARY KEY (focus, version)
) WITHOUT ROWID;
CREATE TABLE foci (
  focus TEXT PRIMARY KEY, subject TEXT, instant TEXT NOT NULL, event BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX foci_of ON foci (subject, instant);
CREATE TABLE numbers (subscription TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
"""


def kept(intake: Intake) -> list[str]:
    """The foci in the file, in whichever table."""
    rows = intake.state.db.execute("SELECT focus FROM foci UNION SELECT focus FROM recent")
    return sorted(focus for (focus,) in rows)


def lab(subject: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        **ACCEPTED["Observation"],
        "subject": {"reference": subject},
    }


def pages(state: State) -> int:
    """The bytes in the file that hold something."""
    [free], [used], [page] = (
        state.db.execute(f"PRAGMA {name}").fetchone()
        for name in ("freelist_count", "page_count", "page_size")
    )
    return int((used - free) * page)


def bytes_each(folder: Path, kind: str, count: int = 2000, **elements: Any) -> float:
    """What one resource adds to the file once no sweep will meet it again, with ids as long as
    UUIDs and a patient each.
    """
    state, time = State(folder / f"{kind}.sqlite"), moment(timedelta(hours=3))
    before = pages(state)
    told = [
        ResourceEvent(
            f"{kind}/{uuid4()}",
            "1",
            "create",
            subject=f"Patient/{uuid4()}",
            time=time,
            **elements,
        )
        for _ in range(count)
    ]
    for start in range(0, count, 100):
        state.remember(told[start : start + 100])
    state.forget(kind, moment())
    grown = (pages(state) - before) / count
    state.close()
    return grown
