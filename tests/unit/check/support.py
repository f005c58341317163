"""What the tests of check share."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.fhir import codes
from shared.json import Json

RECORD: Json = json.loads(
    (Path(__file__).parents[2] / "data" / "record.json").read_text(encoding="utf-8")
)


SECRET = "Wilhelmina"


def example(kind: str) -> Json:
    """The last resource of this kind in tests/data/record.json."""
    return copy.deepcopy(
        next(
            e["resource"]
            for e in reversed(RECORD["entry"])
            if e["resource"]["resourceType"] == kind
        )
    )


def mutant(kind: str, **changes: Any) -> Json:
    resource = example(kind) | changes
    return {name: value for name, value in resource.items() if value is not None}


def ref(target: str) -> Json:
    return {"reference": target}


MUTANTS: dict[str, tuple[Json, str]] = {
    "status not of the kind": (
        mutant("DiagnosticReport", status="draft"),
        r"DiagnosticReport\.status: .*diagnostic-report-status",
    ),
    "status missing": (mutant("Observation", status=None), r"Observation\.status: required"),
    "goal status": (mutant("Goal", lifecycleStatus="draft"), r"Goal\.lifecycleStatus: "),
    "plan intent": (mutant("CarePlan", intent="instance-order"), r"CarePlan\.intent: "),
    "task intent missing": (mutant("Task", intent=None), r"Task\.intent: required"),
    "condition status of another list": (
        mutant(
            "Condition",
            verificationStatus=codes.concept(codes.CONDITION_VERIFICATION, "preliminary"),
        ),
        r"Condition\.verificationStatus: .*condition-ver-status",
    ),
    "audit outcome": (mutant("AuditEvent", outcome="1"), r"AuditEvent\.outcome: "),
    "media status missing": (mutant("Media", status=None), r"Media\.status: required"),
    "device as report's performer": (
        mutant("DiagnosticReport", performer=[ref("Device/m")]),
        r"DiagnosticReport\.performer\[0\]: a Device can't stand here",
    ),
    "device as interpreter": (
        mutant("DiagnosticReport", resultsInterpreter=[ref("Device/m")]),
        r"resultsInterpreter\[0\]: a Device",
    ),
    "device as observation's performer": (
        mutant("Observation", performer=[ref("Device/m")]),
        r"Observation\.performer\[0\]: a Device",
    ),
    "device as recorder": (
        mutant("Condition", recorder=ref("Device/m")),
        r"Condition\.recorder: a Device",
    ),
    "device as asserter": (
        mutant("Condition", asserter=ref("https://ehr.example/fhir/Device/m")),
        r"Condition\.asserter: a Device",
    ),
    "device as prescription's recorder": (
        mutant("MedicationRequest", recorder=ref("Device/m")),
        r"MedicationRequest\.recorder: a Device",
    ),
    "device as expressedBy": (
        mutant("Goal", expressedBy=ref("Device/m/_history/2")),
        r"Goal\.expressedBy: a Device",
    ),
    "device as consent's performer": (
        mutant("Consent", performer=[ref("Device/m")]),
        r"Consent\.performer\[0\]: a Device",
    ),
    "binary in derivedFrom": (
        mutant("Observation", derivedFrom=[ref("Binary/b")]),
        r"Observation\.derivedFrom\[0\]: a Binary",
    ),
    "risk as result": (
        mutant("DiagnosticReport", result=[ref("RiskAssessment/r")]),
        r"DiagnosticReport\.result\[0\]: a RiskAssessment",
    ),
    "subject that only R4B allows": (
        mutant("Observation", subject=ref("Procedure/p")),
        r"Observation\.subject: a Procedure",
    ),
    "risk in addresses": (
        mutant("CarePlan", addresses=[ref("RiskAssessment/r")]),
        r"CarePlan\.addresses\[0\]: a RiskAssessment",
    ),
    "goal as activity": (
        mutant("CarePlan", activity=[{"reference": ref("Goal/g")}]),
        r"CarePlan\.activity\[0\]\.reference: a Goal",
    ),
    "risk as reason": (
        mutant("MedicationRequest", reasonReference=[ref("RiskAssessment/r")]),
        r"reasonReference\[0\]: a RiskAssessment",
    ),
    "reference's type contradicts": (
        mutant("Task", owner={"reference": "Practitioner/p", "type": "Patient"}),
        r"Task\.owner\.type: ",
    ),
    "reference to nowhere": (mutant("Task", focus=ref("p17")), r"Task\.focus: neither"),
    "reference to no kind": (
        mutant("Task", focus=ref("Result/17")),
        r"Task\.focus: R4 has no such kind",
    ),
    "dangling #": (
        mutant("Task", focus=ref("#gone")),
        r"Task\.focus: nothing of that name is contained",
    ),
    "contained and unused": (
        mutant("Task", contained=[{"resourceType": "Basic", "id": "b", "code": {"text": "x"}}]),
        r"Task\.contained: .*dom-3",
    ),
    "id of 65": (mutant("Device", id="a" * 65), r"Device\.id: not an id"),
    "id with _": (mutant("Device", id="chest_model"), r"Device\.id: not an id"),
    "unknown element": (mutant("Device", digest=SECRET), r"Device\.digest: R4 has no such element"),
    "unknown nested element": (
        mutant("CarePlan", activity=[{"reference": ref("Task/t"), "status": "draft"}]),
        r"activity\[0\]\.status: R4 has no",
    ),
    "R5's element": (
        mutant("Provenance", patient=ref("Patient/p")),
        r"Provenance\.patient: R4 has no such element",
    ),
    "choice made twice": (
        mutant("DiagnosticReport", effectivePeriod={"start": "2026-01-01"}),
        r"DiagnosticReport\.effective: more than one",
    ),
    "list where one is due": (
        mutant("DiagnosticReport", code=[{"text": SECRET}]),
        r"DiagnosticReport\.code: must be an object",
    ),
    "one where a list is due": (
        mutant("DiagnosticReport", result=ref("Observation/o")),
        r"DiagnosticReport\.result: must be a list",
    ),
    "empty list": (
        mutant("DiagnosticReport", result=[]),
        r"DiagnosticReport\.result: must be a list that is not empty",
    ),
    "empty text": (
        mutant("DiagnosticReport", conclusion=" "),
        r"DiagnosticReport\.conclusion: must be text",
    ),
    "null": (
        mutant("DiagnosticReport") | {"conclusion": None},
        r"DiagnosticReport\.conclusion: must be text",
    ),
    "number as text": (
        mutant("Observation", valueQuantity={"value": "12.5"}, valueCodeableConcept=None),
        r"valueQuantity\.value: not a finite number",
    ),
    "NaN": (
        mutant("Observation", valueQuantity={"value": float("nan")}, valueCodeableConcept=None),
        r"valueQuantity\.value: not a finite number",
    ),
    "target without measure": (
        mutant("Goal", target=[{"detailString": SECRET}]),
        r"Goal\.target\[0\]: detail needs measure",
    ),
    "modified before authored": (
        mutant("Task", authoredOn="2026-01-01T10:00:00+02:00", lastModified="2026-01-01T07:59:59Z"),
        r"Task: lastModified must not be before",
    ),
    "in error, yet active": (
        mutant(
            "Condition",
            verificationStatus=codes.concept(codes.CONDITION_VERIFICATION, "entered-in-error"),
        ),
        r"Condition: no clinicalStatus",
    ),
    "evidence of nothing": (
        mutant("Condition", evidence=[{"id": "e1"}]),
        r"Condition\.evidence\[0\]: code or detail",
    ),
    "reference and detail": (
        mutant(
            "CarePlan", activity=[{"reference": ref("Task/t"), "detail": {"status": "not-started"}}]
        ),
        r"activity\[0\]: reference or detail",
    ),
    "detail without status": (
        mutant("CarePlan", activity=[{"detail": {"description": SECRET}}]),
        r"activity\[0\]\.detail\.status: required",
    ),
    "provenance without date": (
        mutant("Provenance", recorded=None),
        r"Provenance\.recorded: required",
    ),
    "mitigation without action": (
        mutant("DetectedIssue", mitigation=[{"date": "2026-01-01"}]),
        r"mitigation\[0\]\.action: required",
    ),
    "resource and action": (
        mutant("RequestGroup", action=[{"resource": ref("Task/t"), "action": [{"title": "a"}]}]),
        r"RequestGroup\.action\[0\]: resource or action",
    ),
    "mm^3": (
        mutant(
            "Observation",
            valueQuantity=codes.quantity(12, "mm3", "mm^3"),
            valueCodeableConcept=None,
        ),
        r"valueQuantity: not a UCUM code",
    ),
    "a URI without its scheme": (
        mutant("Device", identifier=[{"system": codes.RESOURCE, "value": SECRET}]),
        r"identifier\[0\]: a value of urn:ietf",
    ),
    "rubbish instead of a coding": (
        mutant("Observation", code={"coding": [SECRET]}),
        r"Observation\.code\.coding\[0\]: must be an object",
    ),
    "broken XHTML": (
        mutant(
            "DiagnosticReport",
            text={
                "status": "generated",
                "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{SECRET} & co</div>',
            },
        ),
        r"text: div must be",
    ),
    "extension without value": (
        mutant("DiagnosticReport", extension=[{"url": codes.AI_CONFIDENCE}]),
        r"extension\[0\]: value or extensions",
    ),
    "instant without zone": (
        mutant("DiagnosticReport", issued="2026-01-01T00:00:00"),
        r"DiagnosticReport\.issued: not a instant",
    ),
    "no resource of ours": (
        {"resourceType": "Claim", "status": "active"},
        r"Claim: not a resource of a kind",
    ),
    "no kind": ({"status": "active"}, r"\?: not a resource"),
}


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) below."""
    for key, value in (
        list(node.items())
        if isinstance(node, dict)
        else list(enumerate(node))
        if isinstance(node, list)
        else []
    ):
        yield node, key
        yield from places(value)


RUBBISH: list[Any] = [
    None,
    True,
    -1,
    1e300,
    float("inf"),
    "",
    "zz top",
    "#",
    "urn:uuid:x",
    [],
    [[]],
    ["a", "a"],
    {},
    {"a": 1},
    {"coding": [1]},
    {"resourceType": []},
]


def changed_entry(index: int, **changes: Any) -> Json:
    bundle = copy.deepcopy(RECORD)
    bundle["entry"][index] |= changes
    return bundle
