"""What the tests of line turns share."""

from json import dumps
from pathlib import Path

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.fhir import codes
from shared.json import Json
from shared.runtime.line import Line, at_ehr
from shared.settings import Settings
from tests.contract.line.support import consent, head
from tests.fakes import FakeEhr
from tests.toy import TOY, Model


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


def another(ehr: Ehr, tmp_path: Path) -> Line:
    """The service in another process: it remembers nothing."""
    client = open_ehr(Settings(fhir_url=ehr.base, state_dir=tmp_path)).able(ehr.abilities)
    settings = Settings(fhir_url=ehr.base, state_dir=tmp_path)
    return Line(TOY, client, Model(), settings, at_ehr(client))


def standing_reports(fake: FakeEhr) -> list[str]:
    return [r["id"] for r in fake.resources("DiagnosticReport") if r["status"] != "cancelled"]


TURNS = {
    "withdrawn": ("cancelled", "The input was withdrawn after the result was signed."),
    "denied": ("rejected", "The patient's consent does not permit this analysis."),
    "broken": ("rejected", "The note can't be read."),
    "failed": ("failed", "Failed: MemoryError."),
}
