"""A Provenance that was taken back: what stays of it, and that R4 allows it."""

from typing import Any

import pytest

from shared.ehr.guard.nullified import nullified, targets
from shared.fhir import codes
from shared.fhir.check import check

NOW = "2026-01-02T00:00:00.000Z"


def provenance(kind: str, who: dict[str, Any], **elements: Any) -> dict[str, Any]:
    agent = {"type": codes.concept(codes.PROVENANCE_AGENT, kind), "who": who}
    return {
        "resourceType": "Provenance",
        "id": "7",
        "target": [codes.reference("Task/1"), codes.reference("DiagnosticReport/1")],
        "recorded": "2026-01-01T00:00:00.000Z",
        "agent": [agent],
    } | elements


@pytest.mark.parametrize(
    "given",
    [
        provenance("verifier", codes.reference("Practitioner/1", "Dr. Ada Berg")),
        provenance("author", codes.reference("Device/1"), reason=[{"coding": [codes.AI_LABEL]}]),
        provenance("attester", codes.reference("Practitioner/1"), signature=[{"who": {}}]),
        provenance("legal", {"display": "Dr. Ada Berg"}, occurredDateTime="2026-01-01"),
    ],
)
def test_its_targets_stay_and_nobody_stands_behind_them(given: dict[str, Any]) -> None:
    left = nullified(given, NOW)
    assert (left["id"], left["target"], left["recorded"]) == ("7", given["target"], NOW)
    assert codes.first_code(left["activity"], codes.V3_DATA_OPERATION) == "NULLIFY"
    [agent] = left["agent"]
    assert codes.first_code(agent["type"], codes.PROVENANCE_AGENT) == "enterer"
    assert not {"signature", "occurredDateTime"} & set(left)
    assert "Berg" not in str(left) and "reference" not in str(left["agent"])
    check(left)


def test_what_it_was_drawn_from_stays() -> None:
    entity = [{"role": "source", "what": codes.reference("DocumentReference/1")}]
    left = nullified(provenance("author", codes.reference("Device/1"), entity=entity), NOW)
    assert left["entity"] == entity


def test_a_target_that_was_refused_stays_in_words() -> None:
    given = provenance("author", codes.reference("Device/1"))
    left = nullified(given, NOW, ["DiagnosticReport/1"])
    assert left["target"] == [{"reference": "Task/1"}, {"display": "DiagnosticReport/1"}]
    assert targets(left) == ["Task/1"] and targets(given) == ["Task/1", "DiagnosticReport/1"]
    check(left)
    check(nullified(given, NOW, targets(given)))
