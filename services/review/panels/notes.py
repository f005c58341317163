"""The notes that a result was drawn from, with what was found marked in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.review.panels import findings, passages
from services.review.panels.material import Material
from shared.ehr.client import Ehr
from shared.errors import InvalidInput, NotYet
from shared.json import Json
from shared.text.doors.document import Document, Part, open_document
from shared.text.doors.opened import MAX_BYTES

NOT_HELD = "The record does not hold its text."


@dataclass(frozen=True)
class Note:
    """A text of a clinical note, cut where something was found.

    Attributes:
        missing: what was not read of the document, or by a guess, a sentence each.
        aside: how many mentions do not count, for each reason.
        meanings: what the marks mean.
    """

    title: str
    segments: Sequence[passages.Segment]
    missing: Sequence[str] = ()
    aside: Sequence[tuple[str, int]] = ()
    meanings: Sequence[passages.Meaning] = ()


def notes(material: Material) -> list[Note]:
    """Return the texts of the notes among the sources, one after another."""
    documents = [r for r in material.result.sources if r["resourceType"] == "DocumentReference"]
    return [n for d in documents for n in notes_of(material.ehr, d, material.outputs)]


def notes_of(ehr: Ehr, document: Json, outputs: Mapping[str, Json]) -> list[Note]:
    """Read one document and mark it: a note for each text.

    The first says what was not read.
    """
    opened = open_document(document, lambda attachment: _fetched(ehr, attachment))
    missing = [*opened.unread, *opened.doubts]
    title = _title(document)
    if not opened.parts:
        return [Note(title, (), missing or [NOT_HELD])]
    return [
        _note(_titled(title, opened, part), part, outputs, missing if number == 0 else ())
        for number, part in enumerate(opened.parts)
    ]


def _fetched(ehr: Ehr, attachment: Json) -> bytes:
    try:
        return ehr.attachment(attachment, MAX_BYTES)
    except NotYet:
        raise InvalidInput(NOT_HELD) from None


def _title(document: Json) -> str:
    titles = (c.get("attachment", {}).get("title") for c in document.get("content", []))
    return findings.name_of(document) or next(filter(None, titles), "") or "Clinical note"


def _titled(title: str, document: Document, part: Part) -> str:
    if len(document.parts) == 1:
        return title
    return f"{title}, attachment {part.attachment + 1} of {document.count}"


def _note(title: str, part: Part, outputs: Mapping[str, Json], missing: Sequence[str]) -> Note:
    opened = part.opened
    spans = passages.spans(opened, outputs, part.attachment)
    return Note(
        title,
        passages.marked(opened.text, spans, opened.struck),
        missing,
        passages.not_counted(spans),
        passages.meanings(opened.text, spans),
    )
