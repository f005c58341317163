"""The notes that a result was drawn from, with what was found marked in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.review.panels import findings, passages
from services.review.panels.material import Material
from services.review.result.evidence import attachment_of
from shared.ehr.client import Ehr
from shared.errors import InvalidInput, NotYet
from shared.json import Json
from shared.text.decoding import MAX_BYTES, decode


@dataclass(frozen=True)
class Note:
    """A clinical note: its title and its text, cut where something was found.

    Attributes:
        missing: why there is no text; empty where there is.
        aside: how many mentions do not count, for each reason.
        meanings: what the marks mean.
    """

    title: str
    segments: Sequence[passages.Segment]
    missing: str = ""
    aside: Sequence[tuple[str, int]] = ()
    meanings: Sequence[passages.Meaning] = ()


def notes(material: Material) -> list[Note]:
    """Return the notes among the sources."""
    documents = [r for r in material.result.sources if r["resourceType"] == "DocumentReference"]
    return [note(material.ehr, d, material.outputs) for d in documents]


def note(ehr: Ehr, document: Json, outputs: Mapping[str, Json]) -> Note:
    """Read one note and mark it."""
    found = attachment_of(document, "text/plain") or attachment_of(document, "text/html") or {}
    title = findings.name_of(document) or found.get("title") or "Clinical note"
    try:
        text = decode(ehr.attachment(found, MAX_BYTES), found.get("contentType", ""))
    except NotYet:
        return Note(title, (), "The record does not hold the text of this note.")
    except InvalidInput as error:
        return Note(title, (), str(error))
    spans = passages.spans(text, outputs)
    return Note(
        title,
        passages.marked(text, spans),
        aside=passages.not_counted(spans),
        meanings=passages.meanings(text, spans),
    )
