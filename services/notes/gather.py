"""A DocumentReference -> Inputs, read as it stands now."""

import re
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from services.notes.domain import NOTE_TYPES, UNTYPED, Inputs, Part
from shared.answers import digest
from shared.ehr.documents import is_replaced
from shared.errors import InvalidInput, NoPatient, NotAnalysed, Withdrawn
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.fhir.documents.genomes import bare, is_vcf
from shared.fhir.times.stated import document_time
from shared.json import Json
from shared.references import is_a, relative, version_of, why_nobody
from shared.text.doors.document import Document, open_document
from shared.text.doors.opened import MAX_BYTES, Span

if TYPE_CHECKING:
    from shared.ehr.client import Ehr
    from shared.settings import Settings

GONE: Final = frozenset({"superseded", "entered-in-error"})
DRAFTS: Final = frozenset({"preliminary"})
DICOM: Final = frozenset({"application/dicom", "application/dicom+json", "application/dicom+xml"})
CLINICAL_NOTE: Final = (
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
    "clinical-note",
)
LOINC_CODE: Final = re.compile(r"[0-9]{1,7}-[0-9]")
BETWEEN: Final = "\n\f\n"
"""Between the texts of two attachments."""
MAX_CHARACTERS: Final = 200_000
"""Of one note: a longer one would hold up all others for minutes."""


def accepts(event: ResourceEvent) -> bool:
    """Every document of a person, but for genomes, DICOM and our own model cards.

    Any delete, since the record of a deleted resource names no type.
    """
    if event.type != "DocumentReference":
        return False
    return event.action == "delete" or not _is_others(event.codes, event.content_types)


def gather(event: ResourceEvent, ehr: "Ehr", settings: "Settings") -> Inputs | None:
    """The note as it is now; None where the document is nobody's note.

    Raises:
        Withdrawn: deleted, superseded, replaced by a newer note, or entered in error.
        NotYet: its Binary is not there yet.
        NoPatient: about no patient of this EHR. NotAnalysed: of a type or a status that is not
            read. InvalidInput: no attachment can be read.
    """
    document = ehr.read(event.focus)
    if (
        document is None
        or document.get("status") in GONE
        or document.get("docStatus") == "entered-in-error"
    ):
        raise Withdrawn(event.focus)
    if _is_others(_tokens(document), _content_types(document)):
        return None
    kind = type_of_note(document)
    subject = relative(document.get("subject", {}).get("reference", ""))
    if kind is None and (settings.notes_other_types == "ignore" or not is_a(subject, "Patient")):
        return None
    if not is_a(subject, "Patient"):
        raise NoPatient(why_nobody(subject, "The note names no Patient as its subject."))
    if kind is None:
        raise NotAnalysed(f"Documents of this type are not read as notes{_named(document)}.")
    if is_replaced(document, ehr):
        raise Withdrawn(event.focus)
    if document.get("docStatus") in DRAFTS and settings.notes_preliminary == "skip":
        raise NotAnalysed("The note is preliminary: it is read when it is final.")

    opened = open_document(document, lambda attachment: ehr.attachment(attachment, MAX_BYTES))
    return _inputs(event.focus, subject, kind, document, opened)


def type_of_note(document: Json) -> str | None:
    """Return the LOINC code of the note's type; None: it is none that is read.

    A document without a type, or with none of LOINC but the category of clinical notes, is a note.
    """
    found = [c for c in codes.codings(document.get("type")) if c.get("system") == codes.LOINC]
    if known := next((str(c["code"]) for c in found if c.get("code") in NOTE_TYPES), None):
        return known
    is_note = codes.has_code(document.get("category"), *CLINICAL_NOTE)
    return UNTYPED if not document.get("type") or (is_note and not found) else None


def _inputs(focus: str, subject: str, kind: str, document: Json, opened: Document) -> Inputs:
    if not opened.count:
        raise InvalidInput("The document holds no attachment.")
    if not opened.parts:
        raise InvalidInput(" ".join(opened.unread))
    text, parts, struck = _joined(opened)
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(f"The note is longer than {MAX_CHARACTERS} characters.")
    languages = (p.language for p in opened.parts if p.language)
    return Inputs(
        subject,
        digest(text, kind, *_places(parts), *opened.unread, *opened.doubts),
        {focus: version_of(document)},
        focus,
        kind,
        text,
        next(languages, None) or document.get("language"),
        document_time(document),
        parts,
        opened.count,
        struck,
        tuple(opened.unread),
        tuple(opened.doubts),
    )


def _joined(document: Document) -> tuple[str, tuple[Part, ...], tuple[Span, ...]]:
    """Join the texts of the attachments, and say where each begins."""
    texts: list[str] = []
    parts: list[Part] = []
    struck: list[Span] = []
    at = 0
    for part in document.parts:
        texts.append(part.opened.text)
        parts.append(Part(at, part.attachment, part.opened.places))
        struck += [Span(a + at, b + at) for a, b in part.opened.struck]
        at += len(part.opened.text) + len(BETWEEN)
    return BETWEEN.join(texts), tuple(parts), tuple(struck)


def _places(parts: Sequence[Part]) -> list[bytes]:
    """Where characters stand that do not stand in the source as in the text."""
    moved = (p for p in parts if p.places != range(len(p.places)))
    return [bytes([p.attachment % 256]) + array("Q", p.places).tobytes() for p in moved]


def _is_others(tokens: Sequence[str], content_types: Sequence[str]) -> bool:
    """Tell whether a document is a genome, DICOM or a model card."""
    types = {bare(t) for t in content_types}
    return (
        is_vcf(content_types, tokens)
        or bool(types and types <= DICOM)
        or any(token.startswith(f"{codes.AI_INPUTS}|") for token in tokens)
    )


def _tokens(document: Json) -> list[str]:
    return [
        f"{c.get('system', '')}|{c.get('code', '')}"
        for element in ("type", "category")
        for c in codes.codings(document.get(element))
    ]


def _content_types(document: Json) -> list[str]:
    attachments = (c.get("attachment", {}) for c in document.get("content", []))
    return [str(a["contentType"]) for a in attachments if "contentType" in a]


def _named(document: Json) -> str:
    found = (
        str(c.get("code", ""))
        for c in codes.codings(document.get("type"))
        if c.get("system") == codes.LOINC
    )
    code = next((c for c in found if LOINC_CODE.fullmatch(c)), None)
    return f" (LOINC {code})" if code else ""
