"""Review decide: signatures."""

from dataclasses import replace

import pytest

from services.review.decision import decide
from services.review.decision.decide import Decision
from shared.errors import InvalidResource
from shared.fhir import codes, lifecycle
from shared.fhir.drafts import Draft, Pen
from shared.json import Json
from tests.browser.clinic import chest_film, genome, note_findings
from tests.unit.review_decide.support import (
    DOCTOR,
    EFFUSION,
    NOW,
    PNEUMONIA,
    SAME,
    coded,
    decided,
    stored,
)


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
