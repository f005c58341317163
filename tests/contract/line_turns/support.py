"""What the tests of line turns share."""

from json import dumps

from shared.ehr.client import Ehr
from shared.fhir import codes
from shared.json import Json
from tests.contract.line.support import consent, head


def person(ehr: Ehr) -> str:
    return ehr.create({"resourceType": "Patient"}).reference


def naming(ehr: Ehr, kind: str, patient: str) -> list[Json]:
    """Every resource of the kind that refers to the patient: others' may stand beside them."""
    return [r for r in ehr.search(kind, {}) if f'"{patient}"' in dumps(r)]


def group(ehr: Ehr) -> str:
    return ehr.create({"resourceType": "Group", "type": "person", "actual": True}).reference


def repoint(ehr: Ehr, reference: str, patient: str) -> None:
    resource = ehr.read(reference)
    assert resource
    ehr.update(resource | {"subject": codes.reference(patient)}, resource["meta"]["versionId"])


def deny(ehr: Ehr, patient: str) -> str:
    return ehr.create(consent(patient, {"provision": [{"type": "deny"}]})).reference


def finalise(ehr: Ehr, reference: str, status: str) -> None:
    """Another system decides on the report, outside careloop's review."""
    report = ehr.read(head(ehr, reference).outputs["report"])
    assert report
    ehr.update(report | {"status": status}, report["meta"]["versionId"])


TURNS = {
    "withdrawn": ("cancelled", "The input was withdrawn after the result was signed."),
    "denied": ("rejected", "The patient's consent does not permit this analysis."),
    "broken": ("rejected", "The note can't be read."),
    "failed": ("failed", "Failed: MemoryError."),
}
