"""shared.fhir.check: what R4 allows passes, and each mutant of it is refused with its place and
without its values.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from shared.errors import InvalidResource
from shared.fhir import codes, lifecycle
from shared.fhir.check import MAX_BUNDLE_BYTES, check, check_bundle, check_size
from shared.fhir.drafts import TIMES
from shared.fhir.structure import table
from shared.json import Json
from tests import r4_table

RECORD: Json = json.loads(
    (Path(__file__).parents[1] / "data" / "record.json").read_text(encoding="utf-8")
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


def test_the_record_passes() -> None:
    check_bundle(RECORD)


@pytest.mark.parametrize(
    "kind", sorted({entry["resource"]["resourceType"] for entry in RECORD["entry"]})
)
def test_each_resource_passes_alone(kind: str) -> None:
    check(example(kind))


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_refused_with_its_place(name: str) -> None:
    resource, expected = MUTANTS[name]
    with pytest.raises(InvalidResource, match=expected) as refused:
        check(resource)
    assert SECRET not in str(refused.value)


def test_what_only_the_data_type_library_knows_is_refused() -> None:
    with pytest.raises(InvalidResource, match=r"Provenance\.recorded: ") as refused:
        check(mutant("Provenance", recorded="2026-02-30T00:00:00Z"))
    assert "2026" not in str(refused.value)


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


@pytest.mark.parametrize("seed", range(4))
def test_rubbish_anywhere_is_refused_or_harmless_but_never_another_error(seed: int) -> None:
    """200 resources, each with one value put anywhere: check says InvalidResource or nothing."""
    random = Random(seed)
    refused = 0
    for _ in range(200):
        resource = copy.deepcopy(random.choice(RECORD["entry"])["resource"])
        container, key = random.choice(list(places(resource)))
        container[key] = random.choice(RUBBISH)
        try:
            check(resource)
        except InvalidResource:
            refused += 1
    assert refused > 150  # "zz top" is a good title, and True a good valueBoolean


def test_a_long_list_of_problems_is_cut() -> None:
    with pytest.raises(InvalidResource, match=r"and 3 more"):
        check(mutant("DiagnosticReport", result=[ref("Media/m")] * 8))


def test_a_contained_resource_may_be_referred_to() -> None:
    check(
        mutant(
            "Task",
            contained=[{"resourceType": "Basic", "id": "b", "code": {"text": "x"}}],
            focus=ref("#b"),
        )
    )


def test_extensions_beside_a_primitive_are_looked_at() -> None:
    reason = {
        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
        "valueCode": "unknown",
    }
    check(mutant("Provenance", recorded=None, _recorded={"extension": [reason]}))
    with pytest.raises(
        InvalidResource, match=r"Provenance\._recorded\.reason: R4 has no such element"
    ):
        check(mutant("Provenance", recorded=None, _recorded={"reason": SECRET}))
    with pytest.raises(InvalidResource, match=r"Provenance\._agent: only a primitive"):
        check(mutant("Provenance", _agent={"extension": [reason]}))


@pytest.mark.parametrize("kind", sorted(lifecycle.STATUS))
def test_every_stage_of_the_life_cycle_is_a_code_of_its_kind(kind: str) -> None:
    element = lifecycle.STATUS_ELEMENT.get(kind, "status")
    allowed = table().codes[table().types[kind][element]["codes"]]
    assert set(lifecycle.STATUS[kind].values()) <= allowed


@pytest.mark.parametrize("kind", sorted(TIMES))
def test_every_kind_that_drafts_write_is_in_the_table(kind: str) -> None:
    assert set(TIMES[kind]) <= set(table().types[kind])


# --- Bundles


def changed_entry(index: int, **changes: Any) -> Json:
    bundle = copy.deepcopy(RECORD)
    bundle["entry"][index] |= changes
    return bundle


def test_a_urn_must_name_an_entry() -> None:
    bundle = copy.deepcopy(RECORD)
    del bundle["entry"][0]  # the Patient, whom everything refers to
    with pytest.raises(
        InvalidResource,
        match=r"Bundle\.entry\[\d+\]\.resource\.subject: no entry of the Bundle has that fullUrl",
    ):
        check_bundle(bundle)


def test_a_urn_is_checked_for_its_kind() -> None:
    bundle = copy.deepcopy(RECORD)
    device = next(
        e["fullUrl"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Device"
    )
    report = next(
        e["resource"]
        for e in bundle["entry"]
        if e["resource"]["resourceType"] == "DiagnosticReport"
    )
    report["performer"] = [ref(device)]
    with pytest.raises(
        InvalidResource, match=r"resource\.performer\[0\]: a Device can't stand here"
    ):
        check_bundle(bundle)


def test_two_entries_may_not_share_a_full_url() -> None:
    patient = RECORD["entry"][0]
    with pytest.raises(InvalidResource, match=r"Bundle: fullUrl must be unique"):
        check_bundle({"resourceType": "Bundle", "type": "transaction", "entry": [patient, patient]})


def test_a_put_names_what_it_carries() -> None:
    resource = RECORD["entry"][0]["resource"] | {"id": "p1"}
    check_bundle(
        changed_entry(
            0, resource=resource, request={"method": "PUT", "url": "Patient/p1", "ifMatch": 'W/"1"'}
        )
    )
    with pytest.raises(InvalidResource, match=r"Bundle\.entry\[0\]: a PUT's url must name"):
        check_bundle(
            changed_entry(
                0,
                resource=resource,
                request={"method": "PUT", "url": "Patient/p2", "ifMatch": 'W/"1"'},
            )
        )


def test_an_entry_of_a_transaction_says_what_to_do() -> None:
    bundle = copy.deepcopy(RECORD)
    del bundle["entry"][3]["request"]
    with pytest.raises(InvalidResource, match=r"Bundle: request on every entry"):
        check_bundle(bundle)


def test_an_entry_of_a_bad_resource_is_refused_by_its_place() -> None:
    with pytest.raises(InvalidResource, match=r"Bundle\.entry\[2\]\.resource\.status: required"):
        check_bundle(
            changed_entry(
                2,
                resource={k: v for k, v in RECORD["entry"][2]["resource"].items() if k != "status"},
            )
        )


def test_a_bundle_that_a_proxy_refuses_is_refused() -> None:
    media = mutant("Media", content={"contentType": "image/png", "data": "A" * MAX_BUNDLE_BYTES})
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": "urn:uuid:00000000-0000-5000-8000-00000000aaaa", "resource": media}],
    }
    with pytest.raises(InvalidResource, match=rf"more than {MAX_BUNDLE_BYTES}"):
        check_size(bundle)


def test_the_table_is_the_standards_own() -> None:
    """R4's StructureDefinitions make exactly the file that ships; `python -m tests.r4_table` renews
    it.
    """
    assert r4_table.render(r4_table.table()) == r4_table.TABLE.read_text(encoding="utf-8")
