"""A DocumentReference -> Inputs, read as it stands now."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from services.notes.domain import NOTE_TYPES, Inputs
from shared.answers import digest
from shared.ehr.documents import is_replaced
from shared.errors import NoPatient, Withdrawn
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.fhir.times.stated import document_time
from shared.references import is_a, relative, version_of, why_nobody
from shared.text.decoding import HTML, MAX_BYTES, PLAIN, decode, media_type

if TYPE_CHECKING:
    from shared.ehr.client import Ehr
    from shared.settings import Settings

TEXTS: Final = (PLAIN, HTML)
GONE: Final = frozenset({"superseded", "entered-in-error"})


def accepts(event: ResourceEvent) -> bool:
    """A note of a type we read, as text.

    Any delete, since the record of a deleted resource names no type.
    """
    if event.type != "DocumentReference":
        return False
    if event.action == "delete":
        return True
    ours = any(f"{codes.LOINC}|{code}" in event.codes for code in NOTE_TYPES)
    return ours and any(media_type(kind) in TEXTS for kind in event.content_types)


def gather(event: ResourceEvent, ehr: "Ehr", settings: "Settings") -> Inputs | None:
    """The note as it is now; None when it is no note of ours any more.

    Raises:
        Withdrawn: deleted, superseded, replaced by a newer note, or entered in error.
        NotYet: its Binary is not there yet.
        NoPatient: about no patient of this EHR. InvalidInput: not a text.
    """
    del settings
    document = ehr.read(event.focus)
    if (
        document is None
        or document.get("status") in GONE
        or document.get("docStatus") == "entered-in-error"
    ):
        raise Withdrawn(event.focus)
    kind = next(
        (
            c["code"]
            for c in codes.codings(document.get("type"))
            if c.get("system") == codes.LOINC and c.get("code") in NOTE_TYPES
        ),
        None,
    )
    attachment = next(_texts(document), None)
    if kind is None or attachment is None:
        return None
    subject = relative(document.get("subject", {}).get("reference", ""))
    if not is_a(subject, "Patient"):
        raise NoPatient(why_nobody(subject, "The note names no Patient as its subject."))
    if is_replaced(document, ehr):
        raise Withdrawn(event.focus)
    text = decode(ehr.attachment(attachment, MAX_BYTES), attachment["contentType"])
    version = version_of(document)
    return Inputs(
        subject,
        digest(text, kind),
        {event.focus: version},
        event.focus,
        kind,
        text,
        attachment.get("language") or document.get("language"),
        document_time(document),
    )


def _texts(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Attachments that hold text, plain text first."""
    attachments = [c["attachment"] for c in document.get("content", []) if "attachment" in c]
    for wanted in TEXTS:
        yield from (a for a in attachments if media_type(a.get("contentType", "")) == wanted)
