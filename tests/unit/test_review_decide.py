"""A decision becomes one guarded transaction: every resource at its stage, under the version that
was shown.
"""

from dataclasses import replace
from typing import Any

import pytest

from services.review.access.practitioner import Practitioner
from services.review.decision import decide
from services.review.decision.decide import Decision
from services.review.result.stamp import stamp_of
from shared.answers import Answer, Basis, digest
from shared.errors import InvalidResource
from shared.fhir import bundle, codes, heads, lifecycle
from shared.fhir.drafts import Draft, Pen
from shared.fhir.heads import head_of
from shared.json import Json
from tests.browser.clinic import care_plan, chest_film, genome, note_findings

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
        d.key: bundle._pointed(d.resource, ids) | {"id": ids[d.uuid].split("/")[1]} for d in made
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


def test_a_signature_finalises_everything_and_names_the_signer() -> None:
    written, task, provenance = decided(chest_film("ImagingStudy/1"), Decision("signed"))
    assert {key: r["status"] for key, r in written.items()} == {
        "pneumonia": "final",
        "heat-map": "completed",
        "report": "final",
    }
    assert written["report"]["resultsInterpreter"] == [
        {"reference": "Practitioner/9", "display": "Dr. Ada Berg"}
    ]
    assert task["status"] == "completed" and codes.has_code(
        task["businessStatus"], codes.DECISION, "signed"
    )
    assert task["owner"]["reference"] == "Practitioner/9" and task["lastModified"] == NOW
    [agent] = provenance["agent"]
    assert (
        codes.has_code(agent["type"], codes.PROVENANCE_AGENT, "verifier")
        and agent["who"]["reference"] == "Practitioner/9"
    )
    assert {t["reference"] for t in provenance["target"]} == {
        "Observation/1",
        "Media/2",
        "DiagnosticReport/3",
        "Task/77",
    }


def test_the_ai_label_stays_under_a_signature() -> None:
    written, _, _ = decided(chest_film("ImagingStudy/1"), Decision("signed"))
    assert all(codes.AI_LABEL in r["meta"]["security"] for r in written.values())


def test_every_write_is_guarded_by_the_version_that_was_shown() -> None:
    head, outputs = stored(chest_film("ImagingStudy/1"))
    entries = decide.transaction(head, outputs, Decision("signed"), DOCTOR, NOW)["entry"]
    guards = {
        e["request"]["url"]: e["request"].get("ifMatch")
        for e in entries
        if e["request"]["method"] == "PUT"
    }
    assert guards == {
        "Task/77": 'W/"2"',
        "Observation/1": 'W/"3"',
        "Media/2": 'W/"4"',
        "DiagnosticReport/3": 'W/"5"',
    }


def test_a_rejection_needs_a_reason_and_keeps_it() -> None:
    head, outputs = stored(chest_film("ImagingStudy/1"))
    with pytest.raises(InvalidResource, match="reason"):
        decide.transaction(head, outputs, Decision("rejected", "  "), DOCTOR, NOW)
    written, task, _ = decided(
        chest_film("ImagingStudy/1"), Decision("rejected", "Motion artefact")
    )
    assert {key: r["status"] for key, r in written.items()} == {
        "pneumonia": "cancelled",
        "heat-map": "entered-in-error",
        "report": "cancelled",
    }
    assert (
        task["statusReason"] == {"text": "Motion artefact"}
        and "resultsInterpreter" not in written["report"]
    )


def test_the_wrong_patient_is_entered_in_error() -> None:
    written, task, _ = decided(
        chest_film("ImagingStudy/1"),
        Decision("rejected", "Film of somebody else.", wrong_patient=True),
    )
    assert {r["status"] for r in written.values()} == {"entered-in-error"}
    assert task["statusReason"]["text"].startswith("Wrong patient.")


def test_an_amendment_rewrites_the_conclusion_and_finalises_what_is_kept() -> None:
    written, task, _ = decided(
        chest_film("ImagingStudy/1"), Decision("amended", text=" Atelectasis, not pneumonia. ")
    )
    assert (
        written["report"]["status"] == "amended"
        and written["report"]["conclusion"] == "Atelectasis, not pneumonia."
    )
    assert written["pneumonia"]["status"] == "final"
    assert codes.has_code(task["businessStatus"], codes.DECISION, "amended")


def test_what_is_dropped_leaves_the_report_and_takes_along_what_was_drawn_from_it() -> None:
    written, _, _ = decided(
        genome("DocumentReference/1"),
        Decision("amended", text="No call.", dropped=frozenset({"genotype-cyp2c19"})),
    )
    assert {key: r["status"] for key, r in written.items()} == {
        "genotype-cyp2c19": "cancelled",
        "clopidogrel": "cancelled",
        "advice-clopidogrel": "cancelled",
        "report": "amended",
    }
    assert "result" not in written["report"]


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


@pytest.mark.parametrize(
    ("text", "dropped", "left"),
    [
        (SAME, {"pneumonia"}, [EFFUSION]),
        (f" {SAME} ", {"effusion"}, [PNEUMONIA]),
        (None, {"pneumonia"}, [EFFUSION]),
        (SAME, {"pneumonia", "effusion"}, None),
        ("Effusion.", set(), None),
        ("Effusion.", {"pneumonia"}, None),
    ],
)
def test_a_code_stays_while_its_words_and_its_finding_do(
    text: str | None, dropped: set[str], left: list[Json] | None
) -> None:
    written, _, _ = decided(
        coded(PNEUMONIA, EFFUSION), Decision("amended", text=text, dropped=frozenset(dropped))
    )
    assert written["report"].get("conclusionCode") == left
    assert written["heat-map"]["status"] == (
        "entered-in-error" if len(dropped) == 2 else "completed"
    )


def test_a_code_that_a_kept_finding_says_as_well_stays() -> None:
    def drafts(pen: Pen) -> list[Draft]:
        finding, second, *others = coded(PNEUMONIA)(pen)
        return [
            finding,
            replace(second, resource=second.resource | {"valueCodeableConcept": PNEUMONIA}),
            *others,
        ]

    written, _, _ = decided(
        drafts, Decision("amended", text=SAME, dropped=frozenset({"pneumonia"}))
    )
    assert written["report"]["conclusionCode"] == [PNEUMONIA]


def test_what_retells_the_report_leaves_an_amended_one_and_stays_on_a_signed_one() -> None:
    told = {
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml">Pneumonia</div>',
        },
        "presentedForm": [{"contentType": "text/plain", "data": "UG5ldW1vbmlh"}],
        "extension": [{"url": codes.AI_CONFIDENCE, "valueDecimal": 0.91}],
    }
    amended, _, _ = decided(coded(PNEUMONIA, **told), Decision("amended", text="Atelectasis."))
    assert set(told) & set(amended["report"]) == set()
    one_less, _, _ = decided(
        coded(PNEUMONIA, **told), Decision("amended", text=SAME, dropped=frozenset({"effusion"}))
    )
    assert set(told) & set(one_less["report"]) == {"extension"}, (
        "the words stand, and so does the model's confidence in them"
    )
    signed, _, _ = decided(coded(PNEUMONIA, **told), Decision("signed"))
    assert {k: signed["report"][k] for k in told} == told


def test_conditions_are_confirmed_or_refuted() -> None:
    signed, _, _ = decided(note_findings("DocumentReference/1"), Decision("signed"))
    assert lifecycle.status_of(signed["problem-1"]) == "confirmed"
    amended, _, _ = decided(
        note_findings("DocumentReference/1"),
        Decision("amended", text="x", dropped=frozenset({"problem-1"})),
    )
    assert (
        lifecycle.status_of(amended["problem-1"]) == "refuted"
        and amended["allergy"]["status"] == "final"
    )


PRASUGREL, TICAGRELOR = "choice/0/0", "choice/0/1"


def test_a_signed_plan_becomes_active_and_the_chosen_request_an_order() -> None:
    written, task, provenance = decided(
        care_plan(["DiagnosticReport/5"]), Decision("signed", chosen={"choice/0": PRASUGREL})
    )
    assert (written["report"]["status"], written["report"]["intent"]) == ("active", "plan")
    assert (written["prasugrel"]["status"], written["prasugrel"]["intent"]) == ("active", "order")
    assert (written["ticagrelor"]["status"], written["ticagrelor"]["intent"]) == (
        "cancelled",
        "proposal",
    )
    assert (
        written["goal"]["lifecycleStatus"] == "accepted"
        and written["interaction"]["status"] == "final"
    )
    assert codes.has_code(task["businessStatus"], codes.DECISION, "signed")
    assert task["note"] == [
        {
            "authorReference": {"reference": "Practitioner/9", "display": "Dr. Ada Berg"},
            "time": NOW,
            "text": "Antiplatelet therapy: prasugrel.",
        }
    ]
    assert {"MedicationRequest/2", "MedicationRequest/3"} <= {
        t["reference"] for t in provenance["target"]
    }


def test_the_group_keeps_what_it_offered() -> None:
    _, outputs = stored(care_plan(["DiagnosticReport/5"]))
    written, _, _ = decided(
        care_plan(["DiagnosticReport/5"]), Decision("signed", chosen={"choice/0": TICAGRELOR})
    )
    assert (written["choice"]["status"], written["choice"]["intent"]) == ("active", "plan")
    assert (
        written["choice"]["action"] == outputs["choice"]["action"]
        and written["report"]["activity"] == outputs["report"]["activity"]
    )


def test_none_of_the_alternatives_is_an_answer_too() -> None:
    written, task, _ = decided(
        care_plan(["DiagnosticReport/5"]), Decision("signed", chosen={"choice/0": "none"})
    )
    assert {written[key]["status"] for key in ("prasugrel", "ticagrelor")} == {
        "cancelled"
    } and written["choice"]["status"] == "revoked"
    assert (
        written["rehabilitation"]["status"] == "active"
        and task["note"][0]["text"] == "Antiplatelet therapy: none of the alternatives."
    )


@pytest.mark.parametrize("kind", ["signed", "amended"])
@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({}, "no answer to choice/0"),
        ({"choice/0": "choice/0/7"}, "no answer"),
        ({"other/0": "none"}, "no choice other/0"),
    ],
)
def test_alternatives_never_become_orders_without_a_choice(
    kind: Any, chosen: dict[str, str], words: str
) -> None:
    head, outputs = stored(care_plan(["DiagnosticReport/5"]))
    with pytest.raises(InvalidResource, match=words):
        decide.transaction(head, outputs, Decision(kind, chosen=chosen), DOCTOR, NOW)


def test_a_rejected_plan_asks_for_no_choice() -> None:
    written, task, _ = decided(care_plan(["DiagnosticReport/5"]), Decision("rejected", "Obsolete"))
    assert {written[key]["status"] for key in ("prasugrel", "ticagrelor")} == {
        "cancelled"
    } and "note" not in task


def test_dropped_proposals_take_their_empty_choice_out_of_the_plan() -> None:
    dropped = frozenset({"prasugrel", "ticagrelor"})
    written, _, _ = decided(
        care_plan(["DiagnosticReport/5"]),
        Decision("amended", text="Keep clopidogrel.", dropped=dropped),
    )
    assert {written[key]["status"] for key in dropped} == {"cancelled"} and written["choice"][
        "status"
    ] == "revoked"
    assert [a["reference"]["reference"] for a in written["report"]["activity"]] == [
        "ServiceRequest/4"
    ]
    assert (
        written["report"]["description"] == "Keep clopidogrel."
        and written["rehabilitation"]["status"] == "active"
    )


def test_what_somebody_else_decided_is_left_alone() -> None:
    head, outputs = stored(note_findings("DocumentReference/1"))
    outputs["problem-1"] = lifecycle.at_stage(outputs["problem-1"], "rejected")
    entries = decide.transaction(head, outputs, Decision("signed"), DOCTOR, NOW)["entry"]
    assert "Condition/1" not in {e["request"]["url"] for e in entries}


@pytest.mark.parametrize("stage", ["rejected", "wrong-patient"])
@pytest.mark.parametrize("kind", ["signed", "amended"])
def test_what_was_drawn_from_a_part_that_another_client_took_back_is_not_signed(
    kind: Any, stage: Any
) -> None:
    head, outputs = stored(genome("DocumentReference/1"))
    outputs["genotype-cyp2c19"] = lifecycle.at_stage(outputs["genotype-cyp2c19"], stage)
    decision = Decision(kind, text="No call." if kind == "amended" else None)
    written = {
        e["request"]["url"]: e["resource"]
        for e in decide.transaction(head, outputs, decision, DOCTOR, NOW)["entry"]
    }
    assert "Observation/1" not in written, "what it was taken back as stays"
    statuses = {
        key: written[f"{r['resourceType']}/{r['id']}"]["status"]
        for key, r in outputs.items()
        if key != "genotype-cyp2c19"
    }
    assert statuses == {
        "clopidogrel": "cancelled",
        "advice-clopidogrel": "cancelled",
        "report": "final" if kind == "signed" else "amended",
    }
    assert "result" not in written["DiagnosticReport/4"]


def test_a_rejected_report_still_names_what_it_said() -> None:
    head, outputs = stored(genome("DocumentReference/1"))
    outputs["genotype-cyp2c19"] = lifecycle.at_stage(outputs["genotype-cyp2c19"], "rejected")
    written = {
        e["request"]["url"]: e["resource"]
        for e in decide.transaction(head, outputs, Decision("rejected", "Mix-up"), DOCTOR, NOW)[
            "entry"
        ]
    }
    assert written["DiagnosticReport/4"]["result"] == outputs["report"]["result"]


def test_alternatives_that_were_all_taken_back_elsewhere_ask_for_no_choice() -> None:
    head, outputs = stored(care_plan(["DiagnosticReport/5"]))
    outputs |= {
        key: lifecycle.at_stage(outputs[key], "rejected") for key in ("prasugrel", "ticagrelor")
    }
    written = {
        e["request"]["url"]: e["resource"]
        for e in decide.transaction(head, outputs, Decision("signed"), DOCTOR, NOW)["entry"]
    }
    group = next(r for r in written.values() if r["resourceType"] == "RequestGroup")
    assert group["status"] == "revoked" and group["action"] == outputs["choice"]["action"]


@pytest.mark.parametrize(
    ("status", "decision"),
    [("final", "signed"), ("corrected", "amended"), ("entered-in-error", "rejected")],
)
def test_a_head_decided_elsewhere_is_closed_and_nothing_else_is_written(
    status: str, decision: str
) -> None:
    head, outputs = stored(chest_film("ImagingStudy/1"))
    [entry] = decide.closing(head, outputs["report"] | {"status": status}, DOCTOR, NOW)["entry"]
    assert entry["request"] == {"method": "PUT", "url": "Task/77", "ifMatch": 'W/"2"'}
    assert codes.has_code(entry["resource"]["businessStatus"], codes.DECISION, decision)


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (Decision("amended", text="x", dropped=frozenset({"nothing"})), "no output nothing"),
        (Decision("amended", text="x", dropped=frozenset({"report"})), "reject it"),
        (Decision("signed", text="x"), "only an amendment"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(decision: Decision, words: str) -> None:
    head, outputs = stored(chest_film("ImagingStudy/1"))
    with pytest.raises(InvalidResource, match=words):
        decide.transaction(head, outputs, decision, DOCTOR, NOW)


def test_nothing_is_decided_twice() -> None:
    head, outputs = stored(chest_film("ImagingStudy/1"))
    closed = head_of(head.task | {"status": "completed", "meta": {"versionId": "3"}})
    with pytest.raises(InvalidResource, match="nothing waits"):
        decide.transaction(closed, outputs, Decision("signed"), DOCTOR, NOW)


def test_the_stamp_changes_with_any_version() -> None:
    head, outputs = stored(chest_film("ImagingStudy/1"))
    newer = outputs | {"pneumonia": outputs["pneumonia"] | {"meta": {"versionId": "99"}}}
    later = head_of(head.task | {"meta": {"versionId": "3"}})
    assert len({stamp_of(head, outputs), stamp_of(head, newer), stamp_of(later, outputs)}) == 3
