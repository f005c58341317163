"""What the tests of other systems share."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from services.genomics.service import SERVICE as GENOMICS
from services.imaging.service import SERVICE as IMAGING
from services.notes.service import SERVICE as NOTES
from services.treatment.service import SERVICE as TREATMENT
from shared.ehr.client import Ehr
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.fhir.summary import event_of
from shared.json import Json
from shared.runtime.line import Line, at_ehr
from shared.service import Service
from shared.settings import Settings

OTHER: Final = "https://other-hospital.example/fhir"
ANALYSERS: Final = {"imaging": IMAGING, "genomics": GENOMICS, "notes": NOTES}
SERVICES: Final = {**ANALYSERS, "treatment": TREATMENT}


def document(kind: str, content_type: str) -> Json:
    attachment = {"contentType": content_type, "url": "Binary/secret"}
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": codes.concept(codes.LOINC, kind),
        "content": [{"attachment": attachment}],
    }


INPUTS: Final[Mapping[str, Json]] = {
    "imaging": {
        "resourceType": "ImagingStudy",
        "status": "available",
        "modality": [codes.coding(codes.DCM, "DX")],
        "identifier": [{"system": codes.DICOM_UID, "value": "urn:oid:1.2.3"}],
    },
    "genomics": document("51969-4", "text/vcf"),
    "notes": document("34117-2", "text/plain"),
    "treatment": {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "warfarin 5 mg"},
    },
}


def about(name: str, reference: str) -> Json:
    return {**INPUTS[name], "subject": {"reference": reference}}


def put(ehr: Ehr, resource: Json) -> str:
    """Create it as anybody would, without our client."""
    base = f"{ehr.base}/{resource['resourceType']}"
    response = httpx.post(base, json=resource, timeout=60, trust_env=False)
    response.raise_for_status()
    return f"{resource['resourceType']}/{response.headers['Location'].split('/')[-3]}"


def repoint(ehr: Ehr, reference: str, subject: str) -> None:
    resource = ehr.read(reference)
    assert resource is not None
    ehr.update(resource | {"subject": {"reference": subject}}, resource["meta"]["versionId"])


def event_at(ehr: Ehr, reference: str) -> ResourceEvent:
    resource = ehr.read(reference)
    assert resource is not None
    return event_of(resource, "update")


def line_of(service: Service, ehr: Ehr, settings: Settings, model: Any = None) -> Line:
    """A line of the service; without a model it gets no further than gather."""
    return Line(service, ehr, model, settings, at_ehr(ehr))
