"""The patients of the index: their names, and the records merged with theirs."""

import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from services.review import present
from services.review.worklist.kept.marks import Mark, mark_of
from shared.fhir.person import linked_records, replaced_by
from shared.json import Json
from shared.references import identifiers_of, local_reference

INSERT: Final = "INSERT OR REPLACE INTO patients VALUES (?, ?, ?, ?, ?, ?, ?)"
LINK: Final = "INSERT OR IGNORE INTO links VALUES (?1, ?2), (?2, ?1)"
UNLINK: Final = "DELETE FROM links WHERE patient = ?1 OR other = ?1"
NEEDLESS: Final = """WITH RECURSIVE needed(record) AS (
SELECT subject FROM heads UNION SELECT other FROM links JOIN needed ON patient = record
) DELETE FROM patients WHERE reference NOT IN (SELECT record FROM needed)"""


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


def folded(text: str) -> str:
    """Return the text without capitals and accents, to search in."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def words_of(patient: Json) -> str:
    """List what a patient is searched by: names, identifiers, the id.

    Before each stands a blank.
    """
    names = (
        part
        for name in patient.get("name", [])
        for part in [name.get("text", ""), *name.get("given", []), name.get("family", "")]
    )
    identifiers = (str(i.get("value", "")) for i in identifiers_of(patient))
    return " " + folded(" ".join([*names, *identifiers, patient["id"]])) + " "


def write(db: sqlite3.Connection, patients: Sequence[Json]) -> None:
    """Write these Patients as they stand, within the caller's transaction."""
    for patient in patients:
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
        db.execute(INSERT, row)
        db.execute(UNLINK, (reference,))
    # After all were unlinked: one of two records may name the other, and not the reverse.
    for patient in patients:
        for other in linked_records(patient):
            db.execute(LINK, (local_reference(patient), other))


def remove(db: sqlite3.Connection, references: Sequence[str]) -> None:
    """Remove these records, within the caller's transaction."""
    for reference in references:
        db.execute("DELETE FROM patients WHERE reference = ?", (reference,))
        db.execute(UNLINK, (reference,))


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
