"""Code systems, profiles and extensions, and how to build and read codes (pure).

Each has its source beside it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.answers import NS as NS  # noqa: PLC0414  # an export: everybody says codes.NS
from shared.json import Json
from shared.references import relative

# --- ours
# Identifier: `{service} {uuid}` would not be searchable as one token, so the uuid alone
ANSWER: Final = f"{NS}/answer"
REVISION: Final = f"{NS}/revision"
RESOURCE: Final = "urn:ietf:rfc:3986"  # Identifier: urn:uuid:..., see Answer.resource_uuid
SERVICE: Final = f"{NS}/service"  # Identifier on what an answer wrote: the name of its service
RULE: Final = f"{NS}/rule"  # Identifier of a proposal or an alert: the id of the rule behind it
MODEL: Final = f"{NS}/model"  # Identifier of a Device: `{name}:{digest}`
MODEL_CARD: Final = f"{NS}/model-card"
TASK_PART: Final = f"{NS}/CodeSystem/task-part"
TASK_CODE: Final = f"{NS}/CodeSystem/task-code"
DECISION: Final = f"{NS}/CodeSystem/decision"  # signed | amended | rejected
# extension on CarePlan: the clinical time of the newest thing that the plan was drawn from
NEWEST_INPUT: Final = f"{NS}/StructureDefinition/newest-input"

# --- HL7 terminology (terminology.hl7.org, R4)
OBSERVATION_VALUE: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
OBSERVATION_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
INTERPRETATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
V2_0074: Final = "http://terminology.hl7.org/CodeSystem/v2-0074"
V3_ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
V3_DATA_OPERATION: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
V3_ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
CONDITION_CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/condition-clinical"
CONDITION_VERIFICATION: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CONDITION_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/condition-category"
PROVENANCE_AGENT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
MEDIA_TYPE: Final = "http://terminology.hl7.org/CodeSystem/media-type"
AUDIT_EVENT_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-event-type"
AUDIT_ENTITY_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
OBJECT_ROLE: Final = "http://terminology.hl7.org/CodeSystem/object-role"
ENDPOINT_CONNECTION: Final = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
RESTFUL_INTERACTION: Final = "http://hl7.org/fhir/restful-interaction"
RESOURCE_TYPES: Final = "http://hl7.org/fhir/resource-types"
FHIR_TASK_CODE: Final = "http://hl7.org/fhir/CodeSystem/task-code"

# --- other terminologies
LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM: Final = "http://unitsofmeasure.org"
PARTICIPATION_TYPE: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
DICOM_UID: Final = "urn:dicom:uid"
PHARMVAR: Final = "http://www.pharmvar.org"
HGNC: Final = "http://www.genenames.org"
DBSNP: Final = "http://www.ncbi.nlm.nih.gov/projects/SNP"
HGVS: Final = "http://varnomen.hgvs.org"
GENOMICS: Final = "http://hl7.org/fhir/uv/genomics-reporting"  # HL7 Genomics Reporting 3.0.0
GENOMICS_TBD: Final = f"{GENOMICS}/CodeSystem/tbd-codes-cs"
BALP_AUTHZ: Final = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType"  # IHE BALP 1.1

# --- HL7 AI Transparency on FHIR 1.0.0-ballot (December 2025); AIconfidence is of a later draft
AI: Final = "http://hl7.org/fhir/uv/aitransparency"
AI_DEVICE_TYPE: Final = f"{AI}/CodeSystem/AIdeviceTypeCS"
AI_INPUTS: Final = f"{AI}/CodeSystem/AIinputsCS"
AI_CONFIDENCE: Final = f"{AI}/StructureDefinition/AIconfidence"
AI_MODEL_CARD: Final = f"{AI}/StructureDefinition/aitransparency.modelCardDescription"

# --- HL7 subscriptions-backport 1.1.0
BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"

# --- extensions of R4 itself
ASSERTED_DATE: Final = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
ALTERNATE_REFERENCE: Final = "http://hl7.org/fhir/StructureDefinition/alternate-reference"
ORIGINAL_TEXT: Final = "http://hl7.org/fhir/StructureDefinition/originalText"
RELATED_ARTIFACT: Final = "http://hl7.org/fhir/StructureDefinition/workflow-relatedArtifact"


def coding(system: str, code: str, display: str | None = None) -> Json:
    """Build a Coding."""
    return {"system": system, "code": code} | ({"display": display} if display else {})


def concept(system: str, code: str, display: str | None = None, text: str | None = None) -> Json:
    """Build a CodeableConcept with one coding.

    HL7's validator wants one coding per category element.
    """
    return {"coding": [coding(system, code, display)]} | ({"text": text} if text else {})


def quantity(value: float, unit: str, code: str | None = None) -> Json:
    """Build a Quantity in UCUM.

    Args:
        unit: as shown.
        code: the UCUM code, where it differs from the unit.
    """
    return {"value": value, "unit": unit, "system": UCUM, "code": code or unit}


def reference(target: str, display: str | None = None) -> Json:
    """Build a Reference to `Type/id` or `urn:uuid:...`."""
    return {"reference": target} | ({"display": display} if display else {})


def versioned(target: str, version: str) -> Json:
    """Build a Reference with the version in its identifier.

    Some servers strip it elsewhere.
    """
    value = f"{relative(target)}/_history/{version}"
    return reference(target) | {"identifier": {"system": f"{NS}/version", "value": value}}


def citation(display: str, url: str | None = None) -> Json:
    """Build the extension workflow-relatedArtifact: a guideline.

    It is legal on DiagnosticReport and at an Observation's root only.
    """
    artifact = {"type": "citation", "display": display} | ({"url": url} if url else {})
    return {"url": RELATED_ARTIFACT, "valueRelatedArtifact": artifact}


def codings(element: object) -> Iterator[Json]:
    """Yield every Coding in a CodeableConcept, a Coding, or a list of either.

    What is no Coding is passed over, and so is a system or a code that is no text or number.
    """
    if isinstance(element, list):
        for item in element:
            yield from codings(item)
    elif isinstance(element, Mapping):
        if isinstance(element.get("code"), str | int):
            yield _readable(element)
        listed = element.get("coding")
        for item in listed if isinstance(listed, list) else ():
            if isinstance(item, Mapping):
                yield _readable(item)


def _readable(found: Mapping[str, Any]) -> Json:
    return {
        key: value
        for key, value in found.items()
        if key not in ("system", "code") or isinstance(value, str | int)
    }


def has_code(element: object, system: str, *wanted: str) -> bool:
    """Tell whether one of these codes of the system is in the element."""
    return any(c.get("system") == system and c.get("code") in wanted for c in codings(element))


def first_code(element: object, system: str) -> str | None:
    """Return the first code of this system, or None."""
    return next(
        (str(c["code"]) for c in codings(element) if c.get("system") == system and "code" in c),
        None,
    )


AI_LABEL: Final = coding(OBSERVATION_VALUE, "AIAST")
AI_ROLE: Final = coding(AI_DEVICE_TYPE, "Artificial-Intelligence")
