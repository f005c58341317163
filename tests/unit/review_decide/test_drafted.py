"""Review decide: which words of a draft are no word on the patient."""

import pytest

from services.imaging.resources import ALONE, LIMITS
from services.review.decision.consistency.contradictions import contradictions
from services.review.decision.consistency.drafted import of_the_patient
from shared.fhir import codes, lifecycle
from shared.json import Json
from tests.unit.treatment_answer import drawn
from tests.unit.treatment_record import LOOP, order

TITLE = "Simvastatin: myopathy risk (SLCO1B1)"
COUNTED = "1 gene-guided proposal, 2 alerts (1 high-severity), 1 follow-up."
COMPARED = "Compared: 2 of 3 active orders."
UNKNOWN = "Not known to the rules, so not checked: Brilique 90 mg and 2 more."
CHECKED = "Not checked: ticagrelor, rosuvastatin 10 mg, ordered by a signed plan of careloop."
HELD = f"{COUNTED} {TITLE}; Clopidogrel: little effect; Ticagrelor: watch for bleeding."
OLD = "Not used, because too old: rosuvastatin 5 mg (2004-08-26)."
UNSIGNED = "Based on AI results that were unsigned when this was drafted: genomics."
PLAN = f"{COMPARED} {UNKNOWN} {CHECKED} {HELD} {OLD} {UNSIGNED}"


def proposal(drug: str) -> Json:
    return {"resourceType": "MedicationRequest", "medicationCodeableConcept": {"text": drug}}


def alert(title: str) -> Json:
    return {"resourceType": "DetectedIssue", "code": codes.concept("x", "DRG", text=title)}


def asked(text: str, drug: str, *, is_ordered: bool, drafted: str = PLAN, **more: Json) -> bool:
    outputs = {"it": proposal(drug)} | more
    kept = of_the_patient(text, drafted, outputs)
    fates = ({"it"}, ()) if is_ordered else ((), {"it"})
    return bool(contradictions(kept, outputs, *fates))


@pytest.mark.parametrize("is_ordered", [True, False])
@pytest.mark.parametrize("drug", ["simvastatin", "ticagrelor", "rosuvastatin", "clopidogrel"])
@pytest.mark.parametrize(
    "text", [PLAN, f"{PLAN} Seen at the ward round.", PLAN.replace(COMPARED, ""), CHECKED, HELD]
)
def test_what_a_plan_compared_and_its_titles_affirm_and_deny_nothing(
    text: str, drug: str, is_ordered: bool
) -> None:
    assert not asked(text, drug, is_ordered=is_ordered)


@pytest.mark.parametrize(
    ("own", "drug", "is_ordered"),
    [
        ("Simvastatin goes on.", "simvastatin", False),
        ("Simvastatin 10 mg; myopathy risk is known.", "simvastatin", False),
        (f"I order {TITLE}.", "simvastatin", False),
        ("No ticagrelor.", "ticagrelor", True),
        ("Not checked: ticagrelor.", "ticagrelor", True),
        ("Ticagrelor was stopped.", "ticagrelor", True),
        ("Rosuvastatin 10 mg from today.", "rosuvastatin", False),
    ],
)
def test_a_clinician_s_own_words_beside_them_are_read(
    own: str, drug: str, is_ordered: bool
) -> None:
    for text in (own, f"{own} {PLAN}", f"{PLAN} {own}", f"{PLAN}\n{own}"):
        assert asked(text, drug, is_ordered=is_ordered)


def test_the_title_of_an_alert_or_of_a_choice_is_none_where_the_draft_has_it() -> None:
    action = [{"title": "Statin: simvastatin 10 mg"}]
    for made, title in (
        (alert("Simvastatin with amlodipine"), "Simvastatin with amlodipine"),
        ({"resourceType": "RequestGroup", "action": action}, action[0]["title"]),
    ):
        for drafted in (f"{title}.", f"One alert. {title}; another.", f"Titles.\n{title}"):
            given = {"is_ordered": False, "drafted": drafted}
            assert not asked(drafted, "simvastatin", **given, other=made)
            assert asked(drafted, "simvastatin", **given), "a sentence of the draft's own"
        assert asked(f"{title}.", "simvastatin", is_ordered=False, drafted="None.", other=made)


def test_what_a_draft_says_of_its_own_accord_is_read() -> None:
    drafted = "Replace clopidogrel by prasugrel."
    assert asked(drafted, "prasugrel", is_ordered=False, drafted=drafted)


def test_what_a_draft_says_of_its_model_is_no_word_on_the_patient() -> None:
    drafted = f"Pneumonia not suspected: model score 12 of 100. {LIMITS}"
    assert "pneumonia" in LIMITS
    kept = of_the_patient(f"No focus of infection. {LIMITS}", drafted, {})
    assert kept.split() == ["No", "focus", "of", "infection."]
    for own in ("Limits: a rotated film. Pneumonia.", f"{LIMITS[:-1]}, and a pneumonia."):
        assert of_the_patient(own, drafted, {}) == own
    assert of_the_patient("Pneumonia.", "Drafted without them.", {}) == "Pneumonia."


@pytest.mark.parametrize("word", ["suspected", "not suspected"])
def test_what_the_model_looks_for_is_no_word_on_the_patient(word: str) -> None:
    drafted = f"Pneumonia {word}: score 91 of 100. {ALONE} Analysed by a model. {LIMITS}"
    assert "pneumonia" in ALONE
    kept = of_the_patient(f"Masses. {ALONE} Seen twice.", drafted, {})
    assert kept.split() == ["Masses.", "Seen", "twice."]
    for own in (
        "The model looks for pneumonia. I see none.",
        ALONE.replace("pneumonia alone", "pneumonia"),
        "The model is right: pneumonia.",
        f"Pneumonia {word}: score 91 of 100.",
    ):
        assert of_the_patient(own, drafted, {}) == own


@pytest.mark.parametrize("is_ordered", [True, False])
@pytest.mark.parametrize("drug", ["ticagrelor", "prasugrel"])
def test_a_plan_of_the_treatment_service_is_asked_nothing_about_its_own_words(
    drug: str, is_ordered: bool
) -> None:
    key = f"dose-cyp2c19-clopidogrel-{drug}"
    signed = lifecycle.at_stage(drawn(*LOOP)[key].resource, "signed")
    earlier = signed | {"id": "earlier", "meta": {"versionId": "1"}}
    made = {k: d.resource for k, d in drawn(*LOOP, order("unheard"), earlier).items()}
    drafted = next(r["description"] for r in made.values() if r["resourceType"] == "CarePlan")
    for words in ("Compared: ", "so not checked: unheard", f"Not checked: {drug}", "1 gene-"):
        assert words in drafted
    orders = {k for k, r in made.items() if r["resourceType"] == "MedicationRequest"}
    fates = (orders, ()) if is_ordered else ((), orders)
    assert key in orders
    assert contradictions(of_the_patient(drafted, drafted, made), made, *fates) == []
