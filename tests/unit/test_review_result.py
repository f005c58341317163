"""What a result's page reads: who wrote and who verified it, in the order in which they did; whose
it is, and whether what it rests on still stands.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from services.review.result.read import gather
from services.review.result.result import Result
from shared.answers import Answer, Basis, digest
from shared.ehr.ahead import Question
from shared.ehr.client import Ehr
from shared.fhir import codes, heads
from shared.fhir.heads import head_of
from shared.json import Json

NOW = "2026-01-01T00:00:00.000Z"


class Shelf(Ehr):
    """An EHR's reads over resources in a dict; a search gives everything of the kind, as servers do
    that ignore a parameter.
    """

    def __init__(self, *resources: Json) -> None:
        self.resources = {f"{r['resourceType']}/{r['id']}": r for r in resources}

    def remembering(self) -> "Shelf":
        return self

    def ahead(self, questions: Sequence[Question]) -> "Shelf":
        return self

    def remembered(self, question: Question) -> Sequence[Json]:
        return ()

    def read(self, reference: str) -> Json | None:
        return self.resources.get(reference)

    def search(
        self, kind: str, params: Mapping[str, Any], *, subject: str | None = None
    ) -> Iterator[Json]:
        yield from (r for r in self.resources.values() if r["resourceType"] == kind)


def provenance(id: str, recorded: str) -> Json:
    return {
        "resourceType": "Provenance",
        "id": id,
        "target": [codes.reference("DiagnosticReport/1")],
        "recorded": recorded,
    }


def resource(kind: str, id: str, **elements: Any) -> Json:
    return {"resourceType": kind, "id": id, "meta": {"versionId": "1"}, **elements}


MINE = {"subject": codes.reference("Patient/1")}
STANDING: tuple[Json, ...] = (
    resource("DiagnosticReport", "1", status="preliminary", **MINE),
    resource(
        "MedicationRequest",
        "1",
        status="active",
        medicationReference=codes.reference("Medication/1"),
        **MINE,
    ),
    resource("Medication", "1", status="inactive"),
    resource(
        "Condition",
        "1",
        verificationStatus=codes.concept(codes.CONDITION_VERIFICATION, "unconfirmed"),
        **MINE,
    ),
    resource("AllergyIntolerance", "1", patient=codes.reference("Patient/1")),
    resource("DocumentReference", "1", status="current", docStatus="final", **MINE),
)


def plan_on(
    *sources: Json, listed: tuple[Json, ...] = STANDING, parts: Sequence[Json] = ()
) -> Result:
    """A plan of these parts that names the first of `listed` as its support and the head the
    others; the EHR holds `sources`.
    """
    support, *others = [f"{r['resourceType']}/{r['id']}" for r in listed]
    first = heads.first_draft(
        Answer("treatment", "Patient/1"), 1, subject="Patient/1", device="Device/1", now=NOW
    ) | {"id": "7", "meta": {"versionId": "1"}}
    task = heads.requested(
        head_of(first),
        subject="Patient/1",
        basis=Basis(digest("x")),
        focus="CarePlan/1",
        device="Device/1",
        sources=dict.fromkeys(others, "1"),
        outputs={
            "report": "CarePlan/1",
            **{r["id"]: f"{r['resourceType']}/{r['id']}" for r in parts},
        },
        now=NOW,
    )
    plan = resource(
        "CarePlan", "1", status="draft", supportingInfo=[codes.reference(support)], **MINE
    )
    return gather(
        Shelf(
            task | {"meta": {"versionId": "2"}}, plan, resource("Patient", "1"), *parts, *sources
        ),
        "7",
    )


def test_a_medication_is_nobody_s_and_no_other_patient_s() -> None:
    result = plan_on(*STANDING)
    assert (result.foreign, result.missing, result.stale_sources, result.waits) == (
        (),
        (),
        (),
        True,
    )
    assert {r["resourceType"] for r in result.sources} == {r["resourceType"] for r in STANDING}


@pytest.mark.parametrize(
    "whose",
    [{"subject": codes.reference("Patient/2")}, {"subject": {"identifier": {"value": "MRN-2"}}}],
)
def test_what_rests_on_another_patient_s_record_is_not_decided_on(whose: Json) -> None:
    strange = resource("MedicationRequest", "1", status="active", **whose)
    result = plan_on(
        *(strange if r["resourceType"] == "MedicationRequest" else r for r in STANDING)
    )
    assert result.foreign == ("MedicationRequest/1",) and not result.waits
    assert strange not in result.sources


@pytest.mark.parametrize(
    "changed",
    [
        resource("DiagnosticReport", "1", status="cancelled", **MINE),
        resource("MedicationRequest", "1", status="stopped", **MINE),
        resource("MedicationRequest", "1", status="completed", **MINE),
        resource("Medication", "1", status="entered-in-error"),
        resource(
            "Condition",
            "1",
            verificationStatus=codes.concept(codes.CONDITION_VERIFICATION, "refuted"),
            **MINE,
        ),
        resource(
            "Condition",
            "1",
            clinicalStatus=codes.concept(codes.CONDITION_CLINICAL, "resolved"),
            **MINE,
        ),
        resource(
            "AllergyIntolerance",
            "1",
            verificationStatus={"coding": [{"code": "entered-in-error"}]},
            patient=codes.reference("Patient/1"),
        ),
        resource("DocumentReference", "1", status="current", docStatus="entered-in-error", **MINE),
        resource("DocumentReference", "1", status="superseded", **MINE),
        None,
    ],
    ids=str,
)
def test_what_does_not_stand_any_more_is_told_and_changes_the_stamp(changed: Json | None) -> None:
    gone = changed or STANDING[0]
    kept = [
        r for r in STANDING if (r["resourceType"], r["id"]) != (gone["resourceType"], gone["id"])
    ]
    result = plan_on(*kept, *([changed] if changed else []))
    assert result.stale_sources == (f"{gone['resourceType']}/1",) and result.waits
    assert result.stamp != plan_on(*STANDING).stamp


def test_a_result_that_only_a_proposal_or_an_alert_names_is_looked_at_too() -> None:
    """Of a long record the head does not name every source."""
    genotype, order = (
        resource("Observation", "g", status="entered-in-error", **MINE),
        resource("MedicationRequest", "o", status="stopped", **MINE),
    )
    laboratory = resource("Observation", "l", status="cancelled", **MINE)
    proposal = {
        "reasonReference": [codes.reference("Observation/g")],
        "priorPrescription": codes.reference("MedicationRequest/o"),
    }
    parts = [
        resource("MedicationRequest", "p", status="draft", **proposal, **MINE),
        resource(
            "DetectedIssue",
            "a",
            status="preliminary",
            evidence=[{"detail": [codes.reference("Observation/l")]}],
            patient=MINE["subject"],
        ),
    ]
    assert set(plan_on(genotype, order, laboratory, *STANDING, parts=parts).stale_sources) == {
        "Observation/g",
        "MedicationRequest/o",
        "Observation/l",
    }


def test_a_new_version_of_what_a_plan_rests_on_changes_the_stamp() -> None:
    amended = STANDING[0] | {"status": "amended", "meta": {"versionId": "2"}}
    assert (
        plan_on(amended, *STANDING[1:]).stamp
        != plan_on(*STANDING).stamp
        == plan_on(*reversed(STANDING)).stamp
    )
    assert plan_on(amended, *STANDING[1:]).stale_sources == ()


def test_who_wrote_and_who_verified_stand_in_the_order_of_time() -> None:
    answer = Answer("imaging", "ImagingStudy/1")
    first = heads.first_draft(answer, 1, subject="Patient/1", device="Device/1", now=NOW) | {
        "id": "7",
        "meta": {"versionId": "1"},
    }
    task = heads.requested(
        head_of(first),
        subject="Patient/1",
        basis=Basis(digest("x")),
        focus="DiagnosticReport/1",
        device="Device/1",
        sources={},
        outputs={"report": "DiagnosticReport/1"},
        now=NOW,
    )
    report = {
        "resourceType": "DiagnosticReport",
        "id": "1",
        "subject": codes.reference("Patient/1"),
        "meta": {"versionId": "1"},
    }
    recorded = {
        "last": "2026-01-01T23:30:00-05:00",
        "second": "2026-01-02T01:00:00Z",
        "first": "2026-01-02T05:00:00+08:00",
    }
    ehr = Shelf(
        task | {"meta": {"versionId": "2"}},
        report,
        {"resourceType": "Patient", "id": "1"},
        *(provenance(k, v) for k, v in recorded.items()),
    )
    assert [p["id"] for p in gather(ehr, "7").provenance] == ["first", "second", "last"]
