"""Reports of the other services, and what imaging and notes found (pure)."""

from typing import Final

from services.treatment.domain import Finding, Medication, Report
from services.treatment.record.concepts import code_values, tokens, words
from services.treatment.record.content import AMENDED
from shared.fhir import codes
from shared.fhir.summary import answer_of
from shared.fhir.times.clinical import clinical_time
from shared.json import Json
from shared.references import local_reference, relative

UNSIGNED: Final = ("registered", "partial", "preliminary")
MENTION: Final = "10160-0"  # LOINC: history of medication use, as our notes service writes it
DCM_FINDING: Final = "121071"
ABSENT: Final = frozenset({"NEG", "ND"})  # v3-ObservationInterpretation


def report(resource: Json) -> Report:
    """Read a report of another careloop service."""
    results = (r["reference"] for r in resource.get("result", []) if "reference" in r)

    return Report(
        reference=local_reference(resource),
        service=answer_of(resource) or "",
        title=words(resource.get("code")) or "Report",
        conclusion=resource.get("conclusion", ""),
        unsigned=resource.get("status") in UNSIGNED,
        amended=resource.get("status") in AMENDED,
        results=tuple(relative(r) for r in results),
    )


def finding(observation: Json, report: str) -> Finding | None:
    """Read the imaging finding in an Observation DCM 121071 of a report.

    None for another Observation, and for what was looked for and not found.
    """
    value = observation.get("valueCodeableConcept")
    if not value or not codes.has_code(observation.get("code"), codes.DCM, DCM_FINDING):
        return None
    if code_values(observation.get("interpretation")) & ABSENT:
        return None

    return Finding(
        local_reference(observation),
        tokens(value),
        report,
        words(value),
        clinical_time(observation) or "",
    )


def mention(observation: Json, report: str) -> Medication | None:
    """Read the drug of a note's Observation 10160-0.

    None for another Observation.
    A drug without a code that we know is the note's own word, looked up among the names of drugs.
    """
    value = observation.get("valueCodeableConcept")
    if not value or not codes.has_code(observation.get("code"), codes.LOINC, MENTION):
        return None

    return Medication(
        reference=local_reference(observation),
        ordered=False,
        codes=tokens(value),
        text=words(value),
        report=report,
        time=clinical_time(observation) or "",
    )
