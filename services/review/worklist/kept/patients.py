"""The patients of the index: their names, and the records merged with theirs."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from services.review import present
from services.review.person.folding import folded, forms
from services.review.worklist.kept.marks import Mark, mark_of
from shared.fhir.person import linked_records, replaced_by
from shared.json import Json
from shared.references import identifiers_of, local_reference

INSERT: Final = "INSERT OR REPLACE INTO patients VALUES (?, ?, ?, ?, ?, ?, ?)"
RELATED: Final = """WITH RECURSIVE person(record) AS (
{first}
UNION SELECT other FROM links JOIN person ON patient = record
UNION SELECT patient FROM links JOIN person ON other = record)
"""
"""All records of persons. Either of two merged records may name the other, and not the reverse."""
NEEDED: Final = RELATED.format(first="SELECT subject FROM heads")
NEEDLESS: Final = (
    f"{NEEDED} "  # noqa: S608  # our own texts
    "DELETE FROM patients WHERE reference NOT IN (SELECT record FROM person)",
    "DELETE FROM links WHERE patient NOT IN (SELECT reference FROM patients)",
)
RECORDS: Final = RELATED.format(first="SELECT ?") + "SELECT record FROM person"  # noqa: S608  # our own texts


@dataclass(frozen=True)
class Known:
    """What the list shows of a patient.

    Attributes:
        birth: empty where none is recorded.
        replaced_by: `Patient/id` of the record in use, where this one is replaced; else empty.
    """

    name: str
    birth: str
    replaced_by: str


def words_of(patient: Json) -> str:
    """List what a patient is searched by: names and their parts, identifiers, the id.

    Before each stands a blank.
    """
    names = (
        form
        for name in patient.get("name", [])
        for part in [name.get("text", ""), *name.get("given", []), name.get("family", "")]
        for form in forms(part)
    )
    identifiers = (str(i.get("value", "")) for i in identifiers_of(patient))
    return " " + folded(" ".join([*names, *identifiers, patient["id"]])) + " "


def write(db: sqlite3.Connection, patients: Sequence[Json]) -> int:
    """Write these Patients as they stand, within the caller's transaction.

    Returns:
        How many were written otherwise before.
    """
    return sum(_put(db, patient) for patient in patients)


def _put(db: sqlite3.Connection, patient: Json) -> bool:
    reference, mark = local_reference(patient), mark_of(patient)
    row = (
        reference,
        mark.version,
        mark.time,
        present.human_name(patient),
        str(patient.get("birthDate", "")),
        replaced_by(patient) or "",
        words_of(patient),
    )
    links = sorted((reference, other) for other in linked_records(patient))
    if _kept(db, reference) == (row, links):
        return False
    db.execute(INSERT, row)
    db.execute("DELETE FROM links WHERE patient = ?", (reference,))
    db.executemany("INSERT INTO links VALUES (?, ?)", links)
    return True


def _kept(db: sqlite3.Connection, reference: str) -> tuple[object, list[object]]:
    row = db.execute("SELECT * FROM patients WHERE reference = ?", (reference,)).fetchone()
    links = "SELECT patient, other FROM links WHERE patient = ? ORDER BY other"
    return row, db.execute(links, (reference,)).fetchall()


def remove(db: sqlite3.Connection, references: Sequence[str]) -> int:
    """Remove these records, within the caller's transaction.

    What others say of them stays. Returns how many there were.
    """
    count = 0
    for reference in references:
        found = db.execute("DELETE FROM patients WHERE reference = ?", (reference,))
        db.execute("DELETE FROM links WHERE patient = ?", (reference,))
        count += found.rowcount
    return count


def records(db: sqlite3.Connection, patient: str) -> list[str]:
    """List the records linked with this one, itself among them."""
    return [record for (record,) in db.execute(RECORDS, (patient,))]


def concerning(db: sqlite3.Connection, references: Iterable[str]) -> bool:
    """Tell whether one of these is known here, or the subject of a head."""
    sql = (
        "SELECT EXISTS (SELECT 1 FROM patients WHERE reference = ?1) "
        "OR EXISTS (SELECT 1 FROM heads WHERE subject = ?1)"
    )
    return any(db.execute(sql, (reference,)).fetchone()[0] for reference in references)


def newest(db: sqlite3.Connection, until: str) -> tuple[str, str]:
    """Return the newest known record up to the instant, and its time; empty for none."""
    sql = "SELECT reference, time FROM patients WHERE time <= ? ORDER BY time DESC LIMIT 1"
    row: tuple[str, str] | None = db.execute(sql, (until,)).fetchone()
    return row or ("", "")


def marks(db: sqlite3.Connection, references: Iterable[str]) -> dict[str, Mark]:
    """Return the marks of the known ones among these."""
    found = {}
    for reference in references:
        row = db.execute(
            "SELECT version, time FROM patients WHERE reference = ?", (reference,)
        ).fetchone()
        if row:
            found[reference] = Mark(*row)
    return found
