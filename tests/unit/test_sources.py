"""An answer that rests on thousands of resources: what is written of them stays small, valid, and
says how many there are.
"""

import json
from typing import Any

from shared.answers import Answer, Basis, Head
from shared.fhir import bundle, codes, heads
from shared.fhir.check import check_bundle
from shared.fhir.drafts import Pen
from shared.fhir.sources import NAMED, named
from shared.privacy import audit
from tests.hl7 import Validate, collection

NOW = "2026-01-02T03:04:05.000Z"
LABS = [f"Observation/{n:04}" for n in range(2856)]
REPORTS = [f"DiagnosticReport/{n}" for n in range(3)]
SOURCES = dict.fromkeys(
    [*LABS[:1000], "Patient/1", *REPORTS, "DocumentReference/1", *LABS[1000:]], "7"
)
LEFT_OUT = len(SOURCES) - NAMED


def written() -> dict[str, Any]:
    """What names the sources, by type."""
    answer = Answer("treatment", "Patient/1")
    task = heads.first_draft(answer, 1, subject="Patient/1", device="Device/1", now=NOW) | {
        "id": "1"
    }
    head = Head("Task/1", "1", 1, "draft", "", False, {}, task)
    head_task = heads.requested(
        head,
        subject="Patient/1",
        basis=Basis("0" * 64, ("sha256:1",)),
        focus="CarePlan/1",
        device="Device/1",
        sources=SOURCES,
        outputs={"report": "CarePlan/1"},
        now=NOW,
    )
    pen = Pen(
        answer,
        1,
        "Patient/1",
        NOW,
        {"rules": "Device/1"},
        {"rules": "careloop rules"},
        "preliminary",
    )
    provenance = bundle.provenance(pen, ["CarePlan/1"], SOURCES, ["DocumentReference/card"], None)
    access = audit.access(
        "R",
        device="Device/1",
        ehr="https://ehr.example/fhir",
        patient="Patient/1",
        data=SOURCES,
        now=NOW,
    )
    return {r["resourceType"]: r for r in (head_task, provenance, access)}


def test_the_most_important_are_named_and_the_others_counted() -> None:
    found = written()
    assert [heads.sources_of(found["Task"])[n] for n in range(6)] == [
        "Patient/1",
        *REPORTS,
        "DocumentReference/1",
        LABS[0],
    ]
    assert len(heads.sources_of(found["Task"])) == NAMED
    assert found["Task"]["input"][-1] == {
        "type": codes.concept(codes.TASK_PART, "more-sources"),
        "valueInteger": LEFT_OUT,
    }
    sources = [e["what"] for e in found["Provenance"]["entity"] if e["role"] == "source"]
    assert len(sources) == NAMED + 1 and sources[0]["identifier"]["value"] == "Patient/1/_history/7"
    assert sources[-1] == {"display": f"{LEFT_OUT} more that this answer rests on"}
    entities = found["AuditEvent"]["entity"]
    assert (
        len(entities) == NAMED + 2
        and entities[-2]["description"].startswith(f"{LEFT_OUT} more")
        and entities[-1]["what"]["reference"] == "Patient/1"
    )


def test_all_three_together_leave_room_for_the_plan_and_our_own_check_finds_nothing() -> None:
    entries = [
        {"fullUrl": f"urn:uuid:{n}", "resource": r, "request": {"method": "POST", "url": kind}}
        for n, (kind, r) in enumerate(written().items())
    ]
    transaction = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    check_bundle(transaction)
    assert len(json.dumps(transaction)) < 150_000


def test_hl7_finds_nothing(hl7_errors: Validate) -> None:
    assert hl7_errors(collection([r | {"id": "1"} for r in written().values()])) == []


def test_few_are_named_as_they_come() -> None:
    few = ["Observation/1", "DiagnosticReport/1", "Practitioner/1"]
    assert named(few) == (few, 0)
    most = [*(f"Practitioner/{n}" for n in range(NAMED)), "Observation/1"]
    assert named(most) == (["Observation/1", *most[: NAMED - 1]], 1)
