"""What the tests of review decide share."""

from dataclasses import replace
from typing import Any

from services.review.access.practitioner import Practitioner
from services.review.decision import decide
from services.review.decision.decide import Decision
from shared.answers import Answer, Basis, digest
from shared.fhir import bundle, codes, heads
from shared.fhir.drafts import Draft, Pen
from shared.fhir.heads import head_of
from shared.json import Json
from tests.browser.clinic import chest_film

NOW = "2026-01-02T00:00:00.000Z"


DOCTOR = Practitioner("Practitioner/9", "Dr. Ada Berg")


def stored(drafts: Any, service: str = "imaging") -> tuple[Any, dict[str, Json]]:
    """What the EHR would hold after the runtime's write: ids, versions, no urn:uuid."""
    answer = Answer(service, "ImagingStudy/1")
    pen = Pen(
        answer, 1, "Patient/1", "2026-01-01T00:00:00.000Z", {"m": "Device/1"}, {"m": "model 1.0"}
    )
    made = drafts(pen)
    ids = {d.uuid: f"{d.resource['resourceType']}/{n}" for n, d in enumerate(made, 1)}
    outputs = {
        d.key: bundle.pointed(d.resource, ids) | {"id": ids[d.uuid].split("/")[1]} for d in made
    }
    for number, resource in enumerate(outputs.values(), 3):
        resource["meta"] = resource["meta"] | {"versionId": str(number)}
    first = heads.first_draft(answer, 1, subject="Patient/1", device="Device/1", now=pen.now) | {
        "id": "77",
        "meta": {"versionId": "1"},
    }
    targets = {key: f"{r['resourceType']}/{r['id']}" for key, r in outputs.items()}
    task = heads.requested(
        head_of(first),
        subject="Patient/1",
        basis=Basis(digest("x")),
        focus=targets["report"],
        device="Device/1",
        sources={"ImagingStudy/1": "1"},
        outputs=targets,
        now=pen.now,
    )
    return head_of(task | {"meta": {"versionId": "2"}}), outputs


def decided(drafts: Any, decision: Decision) -> tuple[dict[str, Json], Json, Json]:
    """(outputs by key, head, Provenance) as the transaction writes them."""
    head, outputs = stored(drafts)
    entries = decide.transaction(head, outputs, decision, DOCTOR, NOW)["entry"]
    keys = {f"{r['resourceType']}/{r['id']}": key for key, r in outputs.items()}
    written = {
        keys[e["request"]["url"]]: e["resource"] for e in entries if e["request"]["url"] in keys
    }
    [task] = [e["resource"] for e in entries if e["request"]["url"] == "Task/77"]
    [provenance] = [e["resource"] for e in entries if e["resource"]["resourceType"] == "Provenance"]
    return written, task, provenance


def coded(*concepts: Json, **elements: Any) -> Any:
    """The film's report with these codes; a second finding beside the pneumonia."""

    def drafts(pen: Pen) -> list[Draft]:
        finding, heat, report = chest_film("ImagingStudy/1")(pen)
        second = pen.draft(
            "Observation",
            "effusion",
            code=codes.concept(codes.DCM, "121071"),
            valueCodeableConcept=EFFUSION,
        )
        told = {"conclusionCode": list(concepts), "result": [finding.ref, second.ref]} | elements
        return [finding, second, heat, replace(report, resource=report.resource | told)]

    return drafts


PNEUMONIA, EFFUSION = (
    codes.concept(codes.SNOMED, "233604007", "Pneumonia"),
    codes.concept(codes.SNOMED, "60046008", "Pleural effusion"),
)


SAME = "Opacity in the left lower zone, in keeping with pneumonia. Model score 0.91."


PRASUGREL, TICAGRELOR = "choice/0/0", "choice/0/1"
REHABILITATION = {"rehabilitation": "rehabilitation/0"}
