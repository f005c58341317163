"""Review decide: plans."""

from typing import Any

import pytest

from services.review.decision import decide
from services.review.decision.decide import Decision
from services.review.result.stamp import stamp_of
from shared.errors import InvalidResource
from shared.fhir import codes, lifecycle
from shared.fhir.heads import head_of
from shared.json import Json
from tests.browser.clinic import care_plan, chest_film, genome, note_findings
from tests.unit.review_decide.support import (
    DOCTOR,
    NOW,
    PRASUGREL,
    REHABILITATION,
    TICAGRELOR,
    decided,
    stored,
)


def test_a_signed_plan_becomes_active_and_the_chosen_request_an_order() -> None:
    written, task, provenance = decided(
        care_plan(["DiagnosticReport/5"]),
        Decision("signed", chosen={"choice/0": PRASUGREL} | REHABILITATION),
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
            "text": "Antiplatelet therapy: prasugrel. Ordered: Cardiac rehabilitation.",
        }
    ]
    assert {"MedicationRequest/2", "MedicationRequest/3"} <= {
        t["reference"] for t in provenance["target"]
    }


def test_the_group_keeps_what_it_offered() -> None:
    _, outputs = stored(care_plan(["DiagnosticReport/5"]))
    written, _, _ = decided(
        care_plan(["DiagnosticReport/5"]),
        Decision("signed", chosen={"choice/0": TICAGRELOR} | REHABILITATION),
    )
    assert (written["choice"]["status"], written["choice"]["intent"]) == ("active", "plan")
    assert (
        written["choice"]["action"] == outputs["choice"]["action"]
        and written["report"]["activity"] == outputs["report"]["activity"]
    )


def test_none_of_the_alternatives_is_an_answer_too() -> None:
    written, task, _ = decided(
        care_plan(["DiagnosticReport/5"]),
        Decision("signed", chosen={"choice/0": "none"} | REHABILITATION),
    )
    assert {written[key]["status"] for key in ("prasugrel", "ticagrelor")} == {
        "cancelled"
    } and written["choice"]["status"] == "revoked"
    assert (
        written["rehabilitation"]["status"] == "active"
        and task["note"][0]["text"]
        == "Antiplatelet therapy: none of the alternatives. Ordered: Cardiac rehabilitation."
    )


@pytest.mark.parametrize("kind", ["signed", "amended"])
@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({}, "no answer to choice/0, rehabilitation"),
        (REHABILITATION, "no answer to choice/0:"),
        ({"choice/0": "none"}, "no answer to rehabilitation:"),
        ({"choice/0": "none", "rehabilitation": "choice/0/0"}, "no answer to rehabilitation:"),
        (REHABILITATION | {"choice/0": "choice/0/7"}, "no answer"),
        ({"other/0": "none"}, "no choice other/0"),
    ],
)
def test_alternatives_never_become_orders_without_a_choice(
    kind: Any, chosen: dict[str, str], words: str
) -> None:
    head, outputs = stored(care_plan(["DiagnosticReport/5"]))
    with pytest.raises(InvalidResource, match=words):
        decide.transaction(head, outputs, Decision(kind, chosen=chosen), DOCTOR, NOW)


@pytest.mark.parametrize("kind", ["signed", "amended"])
def test_a_proposal_that_stands_alone_is_ordered_only_with_a_yes(kind: Any) -> None:
    chosen = {"choice/0": PRASUGREL, "rehabilitation": "none"}
    written, task, _ = decided(care_plan(["DiagnosticReport/5"]), Decision(kind, chosen=chosen))
    assert (written["rehabilitation"]["status"], written["rehabilitation"]["intent"]) == (
        "revoked",
        "proposal",
    )
    assert written["prasugrel"]["status"] == written["report"]["status"] == "active"
    assert len(written["report"]["activity"]) == 2, "the plan keeps what it offered"
    assert task["note"][0]["text"].endswith("Not ordered: Cardiac rehabilitation.")


def test_a_rejected_plan_asks_for_no_choice() -> None:
    written, task, _ = decided(care_plan(["DiagnosticReport/5"]), Decision("rejected", "Obsolete"))
    assert {written[key]["status"] for key in ("prasugrel", "ticagrelor")} == {
        "cancelled"
    } and "note" not in task


def test_dropped_proposals_take_their_empty_choice_out_of_the_plan() -> None:
    dropped = frozenset({"prasugrel", "ticagrelor"})
    written, _, _ = decided(
        care_plan(["DiagnosticReport/5"]),
        Decision("amended", text="Keep clopidogrel.", dropped=dropped, chosen=REHABILITATION),
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
        for e in decide.transaction(
            head, outputs, Decision("signed", chosen=REHABILITATION), DOCTOR, NOW
        )["entry"]
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


@pytest.mark.parametrize("what", ["output", "head", "source"])
def test_the_stamp_changes_where_a_number_comes_again_with_another_time(what: str) -> None:
    def written(resource: Json, time: str) -> Json:
        return resource | {"meta": {"versionId": "1", "lastUpdated": time}}

    def stamp(time: str) -> str:
        head, outputs = stored(chest_film("ImagingStudy/1"))
        task, study = head.task, {"resourceType": "ImagingStudy", "id": "1", "status": "available"}
        if what == "output":
            outputs = outputs | {"pneumonia": written(outputs["pneumonia"], time)}
        elif what == "head":
            task = written(task, time)
        else:
            study = written(study, time)
        return stamp_of(head_of(task), outputs, [study])

    first, again = "2026-01-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"
    assert stamp(first) == stamp(first) != stamp(again)
