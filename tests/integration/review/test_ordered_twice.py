"""Review: a drug that is ordered already is ordered again only with a tick."""

import re
from typing import Any

import pytest

from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from shared.json import Json
from tests.browser.clinic import Clinic, study
from tests.browser.drafts import Drafts
from tests.integration.review.exchanges import (
    CLOPIDOGREL,
    SIMVASTATIN,
    TICAGRELOR,
    decide,
    exchange,
    order,
    status,
)
from tests.integration.review.kinds import ordered_already
from tests.integration.review.support import REHABILITATION, Visitor, accepted, declined
from tests.integration.review.test_report import printed

AGAIN = codes.concept(codes.RXNORM, "1116632", "ticagrelor")
LABEL = "Order it beside the standing order"
SINCE = "2025-11-03"


def proposing(concept: Json, **elements: Any) -> Drafts:
    """A plan that proposes one drug and replaces nothing."""

    def drafts(pen: Pen) -> list[Draft]:
        drug = pen.draft(
            "MedicationRequest",
            "ticagrelor",
            medicationCodeableConcept=concept,
            dosageInstruction=[{"text": "90 mg twice a day"}],
            **elements,
        )
        activity = [{"reference": drug.ref}]
        plan = pen.draft("CarePlan", "report", description="As before.", activity=activity)
        return [drug, plan]

    return drafts


def ticks(page: str) -> list[str]:
    return re.findall(r'name="beside" value="([0-9a-f]+)"', page)


SAME: dict[str, tuple[Json, Json]] = {
    "the same code": (AGAIN, AGAIN),
    "a brand against the ingredient": ({"text": "Brilinta 90 mg tablet"}, AGAIN),
    "the ingredient against a brand": (AGAIN, {"text": "Crestor and Brilinta"}),
    "a combination that holds it": ({"text": "aspirin 100 mg / ticagrelor 90 mg tablet"}, AGAIN),
    "a combination that is proposed": (SIMVASTATIN, {"text": "ezetimibe 10 MG / simvastatin 40"}),
    "a local code": (
        codes.concept("http://hospital.example/drugs", "0815"),
        codes.concept("http://hospital.example/drugs", "0815", "Stroke tablets"),
    ),
}
FORMS = {"sign": {}, "amend": {"text": "Otherwise than before."}}


@pytest.mark.parametrize(("ordered", "proposed"), SAME.values(), ids=SAME)
@pytest.mark.parametrize("action", FORMS)
def test_what_is_ordered_already_is_named_and_asked_about(
    doctor: Visitor, clinic: Clinic, ordered: Json, proposed: Json, action: str
) -> None:
    standing = order(clinic, ordered, authoredOn=SINCE)
    task = clinic.result("treatment", clinic.patient, proposing(proposed))
    form = doctor.get(f"/results/{task}").split('id="decision"')[1].split("<dialog")[0]
    said = re.findall(rf'<li data-order="{standing}">Already ordered: (.*?)</li>', form)
    assert len(said) == 2 and all("since 3 Nov 2025, one a day" in each for each in said)
    assert len(set(ticks(form))) == 1 and " checked" not in form

    typed = FORMS[action] | {"reason": "Seen at the ward round."}
    refused = decide(doctor, task, action, **typed)
    assert refused.status_code == 400
    assert "Already ordered: " in refused.text and "Nothing was saved." in refused.text
    again = refused.text.split(f'name="action" value="{action}"')[1].split("</form>")[0]
    assert re.search(r'value="ticagrelor/0" required checked', again)
    if action == "amend":
        assert FORMS["amend"]["text"] in again and "Seen at the ward round." in again
    assert clinic.outputs(task)["ticagrelor"]["status"] == "draft"

    assert decide(doctor, task, action, beside=ticks(again), **typed).status_code == 303
    assert clinic.outputs(task)["ticagrelor"]["status"] == status(clinic.ehr, standing) == "active"
    words = clinic.task(task)["note"][0]["text"]
    assert "Ordered beside a standing order: " in words and SINCE in words
    assert "Ordered beside a standing order: " in doctor.get(f"/results/{task}")
    assert "Ordered beside a standing order: " in " ".join(printed(doctor, task))


NONE: dict[str, Json] = {
    "stopped": {"status": "stopped"},
    "completed": {"status": "completed"},
    "entered in error": {"status": "entered-in-error"},
    "a draft": {"status": "draft"},
    "a proposal": {"intent": "proposal"},
    "a plan": {"intent": "plan"},
    "forbidden": {"doNotPerform": True},
    "another drug": {"medicationCodeableConcept": {"text": "prasugrel"}},
}


@pytest.mark.parametrize("elements", NONE.values(), ids=NONE)
def test_what_is_no_standing_order_of_it_is_not_named(
    doctor: Visitor, clinic: Clinic, elements: Json
) -> None:
    order(clinic, AGAIN, **elements)
    task = clinic.result("treatment", clinic.patient, proposing(AGAIN))
    assert "Already ordered" not in doctor.get(f"/results/{task}")
    assert decide(doctor, task).status_code == 303
    assert "standing" not in clinic.task(task)["note"][0]["text"]


@pytest.mark.parametrize("elements", [{"status": "on-hold"}, {"status": "unknown"}])
def test_an_order_that_may_go_on_is_named_with_its_status(
    doctor: Visitor, clinic: Clinic, elements: Json
) -> None:
    order(clinic, AGAIN, dosageInstruction=None, **elements)
    task = clinic.result("treatment", clinic.patient, proposing(AGAIN))
    words = f"date not recorded, dose not recorded ({elements['status']})"
    assert words in doctor.get(f"/results/{task}")
    assert decide(doctor, task).status_code == 400


@pytest.mark.parametrize("action", FORMS)
@pytest.mark.parametrize("change", ["made", "made beside another", "another dose"])
def test_an_order_that_was_made_meanwhile_is_not_passed_over(
    doctor: Visitor, clinic: Clinic, action: str, change: str
) -> None:
    first = None if change == "made" else order(clinic, AGAIN)
    task = clinic.result("treatment", clinic.patient, proposing(AGAIN))
    ticked = ticks(doctor.get(f"/results/{task}"))
    known = clinic.ehr.read(first) if first else None
    if known and change == "another dose":
        dose = {"dosageInstruction": [{"text": "60 mg twice a day"}]}
        clinic.ehr.update(known | dose, known["meta"]["versionId"])
    else:
        order(clinic, {"text": "Brilinta 60 mg"})
    late = decide(doctor, task, action, beside=ticked, **FORMS[action])
    assert late.status_code == 400 and "Already ordered: " in late.text
    assert ("60 mg twice a day" if change == "another dose" else "Brilinta 60 mg") in late.text
    assert clinic.outputs(task)["ticagrelor"]["status"] == "draft"


def test_an_order_that_ended_meanwhile_is_asked_about_no_more(
    doctor: Visitor, clinic: Clinic
) -> None:
    standing = order(clinic, AGAIN)
    task = clinic.result("treatment", clinic.patient, proposing(AGAIN))
    assert ticks(doctor.get(f"/results/{task}"))
    known = clinic.ehr.read(standing)
    assert known
    clinic.ehr.update(known | {"status": "stopped"}, known["meta"]["versionId"])
    assert decide(doctor, task).status_code == 303
    assert "standing" not in clinic.task(task)["note"][0]["text"]


@pytest.mark.parametrize("action", FORMS)
def test_what_is_not_ordered_needs_no_tick(doctor: Visitor, clinic: Clinic, action: str) -> None:
    order(clinic, AGAIN)
    task = clinic.result("treatment", clinic.patient, proposing(AGAIN))
    form = FORMS[action] | declined("ticagrelor")
    assert decide(doctor, task, action, **form).status_code == 303
    assert clinic.outputs(task)["ticagrelor"]["status"] == "cancelled"


def test_a_later_plan_asks_about_what_an_earlier_one_ordered(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, order(clinic, AGAIN)))
    assert decide(doctor, task).status_code == 303, "it replaces the same drug: nothing goes on"
    assert "standing" not in clinic.task(task)["note"][0]["text"]
    prior = order(clinic, CLOPIDOGREL)
    source = study(clinic.ehr, clinic.patient)
    second = clinic.result("treatment", source, exchange(TICAGRELOR, prior))
    refused = decide(doctor, second)
    assert refused.status_code == 400 and LABEL in refused.text
    assert status(clinic.ehr, prior) == "active", "and nothing is stopped"
    assert decide(doctor, second, beside=ticks(refused.text)).status_code == 303
    assert status(clinic.ehr, prior) == "stopped"


def test_each_proposal_needs_a_tick_of_its_own(doctor: Visitor, clinic: Clinic) -> None:
    def both(pen: Pen) -> list[Draft]:
        [drug, plan] = proposing(AGAIN)(pen)
        concept = codes.concept(codes.RXNORM, "301542", "rosuvastatin")
        other = pen.draft("MedicationRequest", "rosuvastatin", medicationCodeableConcept=concept)
        return [drug, other, plan]

    for concept in (AGAIN, {"text": "Crestor 10 mg"}):
        order(clinic, concept)
    task = clinic.result("treatment", clinic.patient, both)
    given = accepted("ticagrelor", "rosuvastatin")
    one, other = dict.fromkeys(ticks(doctor.get(f"/results/{task}")))
    refused = decide(doctor, task, beside=[one], **given)
    assert refused.status_code == 400 and "Already ordered: rosuvastatin (Crest" in refused.text
    assert re.search(rf'value="{one}" checked', refused.text), "a tick that was made is kept"
    assert decide(doctor, task, beside=[one, other], **given).status_code == 303


UNREAD: dict[str, Json] = {
    "an unknown brand": {"text": "DuoPlavin 75 mg tablet"},
    "an unknown code": codes.concept("http://hospital.example/drugs", "4711"),
    "a class": {"text": "Insulin"},
    "half of a combination": {"text": "aspirin / foozumab"},
}


@pytest.mark.parametrize("concept", UNREAD.values(), ids=UNREAD)
def test_an_order_whose_drug_is_not_recognised_is_named_for_a_check(
    doctor: Visitor, clinic: Clinic, concept: Json
) -> None:
    unknown, known = order(clinic, concept), order(clinic, SIMVASTATIN)
    task = clinic.result("treatment", clinic.patient, proposing(AGAIN))
    form = doctor.get(f"/results/{task}").split('id="decision"')[1]
    assert form.count("check by hand whether it is a drug that is proposed here") == 2
    assert form.count(f'data-order="{unknown}"') == 2 and known not in form
    assert not ticks(form) and decide(doctor, task).status_code == 303


def test_an_order_that_an_exchange_names_is_named_once_in_a_form(
    doctor: Visitor, clinic: Clinic
) -> None:
    named = order(clinic, {"text": "DuoPlavin 75 mg tablet"})
    plan = exchange(TICAGRELOR, order(clinic, CLOPIDOGREL))
    task = clinic.result("treatment", clinic.patient, plan)
    form = doctor.get(f"/results/{task}").split('id="decision"')[1]
    assert form.count(f'data-order="{named}"') == 2 and "proposed here" not in form


@pytest.mark.parametrize(("option", "status_code"), [("1", 400), ("0", 303), ("none", 303)])
def test_of_alternatives_the_one_that_is_chosen_counts(
    doctor: Visitor, clinic: Clinic, option: str, status_code: int
) -> None:
    task = ordered_already(clinic, doctor)
    page = doctor.get(f"/results/{task}")
    first, second = page.split('id="sign-choice/0/')[1:]
    assert "Already ordered" not in first
    assert second.split("</form>")[0].count("Already ordered: ") == 3
    chosen = option if option == "none" else f"choice/0/{option}"
    form = {"reviewed": "yes", "choice-choice/0": chosen} | REHABILITATION
    answer = doctor.decide(task, "sign", **form)
    assert answer.status_code == status_code
    if status_code == 400:
        assert doctor.decide(task, "sign", beside=ticks(answer.text), **form).status_code == 303
