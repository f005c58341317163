"""gather(event, ehr, settings).

The VCF that a DocumentReference carries, read and checked.
"""

from typing import TYPE_CHECKING

from services.genomics.domain import Inputs
from services.genomics.pgx.tables import load_tables
from services.genomics.vcf.reader import read_vcf
from shared.answers import digest
from shared.ehr.documents import is_replaced
from shared.errors import FhirError, NoPatient, NotAnalysed, Withdrawn
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.fhir.documents.genomes import VCF_TYPES, bare, is_vcf
from shared.fhir.times.stated import document_time, items, mapping, specimen_time
from shared.json import Json
from shared.references import (
    is_a,
    local_reference,
    relative,
    subject_of,
    version_of,
    why_nobody,
)

if TYPE_CHECKING:
    from shared.ehr.client import Ehr
    from shared.settings import Settings


def accepts(event: ResourceEvent) -> bool:
    """Accept a document with a VCF, by its type or by a genomic code.

    A delete carries no codes: any may have been ours.
    """
    if event.type != "DocumentReference" or event.answer_of:
        return False
    return event.action == "delete" or is_vcf(event.content_types, event.codes)


def gather(event: ResourceEvent, ehr: "Ehr", settings: "Settings") -> Inputs | None:
    """The patient's genotypes; None where the document holds no VCF after all.

    Raises:
        Withdrawn: gone, superseded, replaced by a newer document or entered in error. NotYet: its
            Binary is not there.
        InvalidInput, NotAnalysed: see `read_vcf`; several VCFs; no patient.
    """
    document = ehr.read(event.focus)
    if (
        document is None
        or document.get("status") != "current"
        or document.get("docStatus") == "entered-in-error"
    ):
        raise Withdrawn(event.focus)
    attachments = vcf_attachments(document)
    if not attachments:
        return None
    if len(attachments) > 1:
        raise NotAnalysed(
            f"The document holds {len(attachments)} VCFs: send one document for each."
        )
    subject = relative(document.get("subject", {}).get("reference", ""))
    if not is_a(subject, "Patient"):
        raise NoPatient(why_nobody(subject, "The document names no patient."))
    if is_replaced(document, ehr):
        raise Withdrawn(event.focus)
    raw = ehr.attachment(attachments[0], settings.genomics_max_vcf_bytes)
    vcf = read_vcf(raw, load_tables())
    specimen = specimen_of(document, subject, ehr)
    read = [document, *([specimen] if specimen else [])]
    return Inputs(
        subject=subject,
        content=digest(vcf.digest),
        sources={local_reference(r): version_of(r) for r in read},
        records=vcf.records,
        effective=specimen_time(specimen or {}) or document_time(document),
    )


def specimen_of(document: Json, subject: str, ehr: "Ehr") -> Json | None:
    """Read the patient's sample that a document names in `context.related`.

    None where it names none, several, another patient's, or one that can't be read: not every EHR
    has them.
    """
    related = items(mapping(document.get("context")).get("related"))
    named = {relative(str(r.get("reference", ""))) for r in related}
    try:
        found = [ehr.read(reference) for reference in named if is_a(reference, "Specimen")]
    except FhirError:
        return None

    standing = (s for s in found if s is not None and s.get("status") != "entered-in-error")
    hers = [s for s in standing if subject_of(s) == subject]
    return hers[0] if len(hers) == 1 else None


def vcf_attachments(document: Json) -> list[Json]:
    """The attachments of a DocumentReference that are VCFs.

    Of several, those of a VCF's own type win over general ones.
    """
    tokens = [
        f"{c.get('system')}|{c.get('code')}"
        for element in ("type", "category")
        for c in codes.codings(document.get(element))
    ]
    found = [
        a
        for c in document.get("content", [])
        if is_vcf([(a := c.get("attachment", {})).get("contentType", "")], tokens)
    ]
    named = [a for a in found if bare(a.get("contentType", "")) in VCF_TYPES]
    return named or found
