"""What the tests of line share."""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from shared import instants
from shared.answers import Answer
from shared.ehr.client import Ehr
from shared.events import ResourceEvent
from shared.fhir import bundle, codes, heads, lifecycle
from shared.fhir.summary import event_of
from shared.runtime.line import Case, Line
from tests.toy import note


def write(ehr: Ehr, patient: str, text: str) -> str:
    return ehr.create(note(patient, text)).reference


def event(ehr: Ehr, reference: str) -> ResourceEvent:
    resource = ehr.read(reference)
    assert resource is not None
    return event_of(resource, "update")


def run(line: Line, told: ResourceEvent) -> str:
    taken = line.take(told, only_deletes=False)
    if not isinstance(taken, Case):
        return taken
    [findings] = line.service.analyze([taken.inputs], line.model)
    return line.put(taken, findings)


def again(line: Line, arrived: ResourceEvent) -> list[str]:
    """What the event writes, once more and then as the input stands now."""
    return [run(line, arrived), run(line, event(line.ehr, arrived.focus))]


def head(ehr: Ehr, reference: str) -> Any:
    found = ehr.head(Answer("toy", reference))
    assert found is not None
    return found


def change(ehr: Ehr, reference: str, text: str, **elements: Any) -> None:
    resource = ehr.read(reference)
    assert resource is not None
    ehr.update(
        resource | {"content": note("Patient/x", text)["content"]} | elements,
        resource["meta"]["versionId"],
    )


def stand(ehr: Ehr, found: Any) -> dict[str, dict[str, Any]]:
    return {
        key: resource
        for key, reference in found.outputs.items()
        if (resource := ehr.read(reference))
    }


def decide(ehr: Ehr, found: Any, decision: str) -> None:
    """What review does, in the least words."""
    doctor = ehr.create({"resourceType": "Practitioner"}).reference
    stage: lifecycle.Stage = "signed" if decision == "signed" else "rejected"
    task = heads.decided(found, decision, owner=doctor, reason=None, now=instants.now())
    entries = [
        bundle.put(lifecycle.at_stage(r, stage), r["meta"]["versionId"])
        for r in stand(ehr, found).values()
    ]
    ehr.transact(
        bundle.transaction(
            found,
            task,
            [
                *entries,
                bundle.post(verifier(doctor, found.outputs.values()), f"urn:uuid:{uuid4()}"),
            ],
        )
    )


def verifier(who: str, targets: Iterable[str]) -> dict[str, Any]:
    agent = {"type": codes.concept(codes.PROVENANCE_AGENT, "verifier"), "who": codes.reference(who)}
    return {
        "resourceType": "Provenance",
        "target": [codes.reference(t) for t in targets],
        "recorded": instants.now(),
        "agent": [agent],
    }


def consent(patient: str, provision: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": codes.concept(
            "http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"
        ),
        "category": [codes.concept(codes.LOINC, "59284-0")],
        "patient": codes.reference(patient),
        "policyRule": codes.concept(codes.V3_ACT_CODE, "OPTIN"),
        "provision": provision,
    }
