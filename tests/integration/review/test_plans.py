"""Review: plans."""

import re

import pytest

from shared.fhir import codes
from tests.browser.clinic import (
    Clinic,
    a_film,
    care_plan,
    chest_film,
    study,
)
from tests.integration.review.support import (
    NO_CHOICE,
    REHABILITATION,
    Visitor,
    a_plan_on_a_report,
    declined,
    fates,
)


def test_a_plan_is_not_signed_when_its_report_was_rejected_while_the_page_was_open(
    doctor: Visitor, clinic: Clinic
) -> None:
    task, report = a_plan_on_a_report(clinic)
    stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', doctor.get(f"/results/{task}"))
    assert stamp
    clinic.ehr.update(report | {"status": "cancelled"}, report["meta"]["versionId"])
    late = doctor.post(
        f"/results/{task}/decision", stamp=stamp[1], action="sign", reviewed="yes", **NO_CHOICE
    )
    assert (
        late.status_code == 409
        and "XR Chest 2 Views (cancelled)" in late.text
        and "Sign with this choice" not in late.text
    )
    assert {clinic.task(task)["status"], clinic.outputs(task)["report"]["status"]} == {
        "requested",
        "draft",
    }


def test_a_plan_on_a_rejected_report_is_not_signed_but_may_be_rejected(
    doctor: Visitor, clinic: Clinic
) -> None:
    task, report = a_plan_on_a_report(clinic)
    clinic.ehr.update(report | {"status": "cancelled"}, report["meta"]["versionId"])
    for action in ("sign", "amend"):
        assert (
            doctor.decide(task, action, reviewed="yes", text="Prasugrel.", **NO_CHOICE).status_code
            == 409
        )
    assert clinic.outputs(task)["report"]["status"] == "draft"
    assert doctor.decide(task, "reject", reason="The film was read wrongly.").status_code == 303
    assert clinic.outputs(task)["report"]["status"] == "revoked"


def test_a_plan_on_standing_reports_is_signed(doctor: Visitor, clinic: Clinic) -> None:
    task, report = a_plan_on_a_report(clinic)
    clinic.ehr.update(report | {"status": "final"}, report["meta"]["versionId"])
    assert doctor.decide(task, "sign", reviewed="yes", **NO_CHOICE).status_code == 303


def test_a_long_text_is_refused_and_never_cut(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    refused = doctor.decide(
        task, "amend", reviewed="yes", **fates(confirm=["pneumonia"]), text="a" * 20_001
    )
    assert refused.status_code == 400 and "longer than 20000 characters" in refused.text
    source, long = study(clinic.ehr, clinic.patient), "Findings. " * 2_500
    task = clinic.result("imaging", source, chest_film(source, conclusion=long.strip()))
    assert (
        doctor.decide(
            task, "amend", reviewed="yes", text=long, **fates(leave=["pneumonia"])
        ).status_code
        == 303
    )
    assert clinic.outputs(task)["report"]["conclusion"] == long.strip()


def test_a_plan_is_not_signed_without_its_choice(doctor: Visitor, clinic: Clinic) -> None:
    task = clinic.result("treatment", clinic.patient, care_plan([]))
    page = doctor.get(f"/results/{task}")
    assert page.count('value="choice/0/0"') == 2 and not re.search(
        r'type="radio"[^>]* checked', page
    ), "nothing is chosen beforehand"
    for choice in (REHABILITATION, REHABILITATION | {"choice-choice/0": "choice/0/5"}):
        assert (refused := doctor.decide(task, "sign", reviewed="yes", **choice)).status_code == 400
        assert "Choose at most one of the alternatives for: Antiplatelet therapy" in refused.text
    assert {
        r["status"]
        for k, r in clinic.outputs(task).items()
        if k in ("prasugrel", "ticagrelor", "choice", "report")
    } == {"draft"}
    assert clinic.task(task)["status"] == "requested"


def test_what_was_chosen_is_kept_by_a_page_that_asks_again(doctor: Visitor, clinic: Clinic) -> None:
    task = clinic.result("treatment", clinic.patient, care_plan([]))
    again = doctor.decide(task, "sign", **{"choice-choice/0": "choice/0/1"})
    assert again.status_code == 400 and re.search(r'id="sign-choice/0/1"[^>]* checked', again.text)
    amended = doctor.decide(
        task,
        "amend",
        reviewed="yes",
        text="Ticagrelor.",
        **fates(confirm=["goal", "interaction"]),
    )
    assert (
        amended.status_code == 400
        and ">Ticagrelor.</textarea>" in amended.text
        and not re.search(r'name="choice-[^>]* checked', amended.text)
    )


@pytest.mark.parametrize(
    ("answer", "statuses", "words"),
    [
        ("choice/0/1", ("cancelled", "active", "active"), "Antiplatelet therapy: ticagrelor."),
        (
            "none",
            ("cancelled", "cancelled", "revoked"),
            "Antiplatelet therapy: none of the alternatives.",
        ),
    ],
)
def test_a_plan_is_signed_with_the_choice_alone(
    doctor: Visitor, clinic: Clinic, answer: str, statuses: tuple[str, ...], words: str
) -> None:
    task = clinic.result("treatment", clinic.patient, care_plan([]))
    assert (
        doctor.decide(
            task, "sign", reviewed="yes", **{"choice-choice/0": answer}, **REHABILITATION
        ).status_code
        == 303
    )
    written, head = clinic.outputs(task), clinic.task(task)
    assert (
        tuple(written[key]["status"] for key in ("prasugrel", "ticagrelor", "choice")) == statuses
    )
    assert written["report"]["status"] == written["rehabilitation"]["status"] == "active"
    assert len(written["choice"]["action"][0]["action"]) == 2, "the group keeps what it offered"
    assert (
        codes.first_code(head["businessStatus"], codes.DECISION) == "signed"
        and head["note"][0]["text"] == f"{words} Ordered: Cardiac rehabilitation."
    )
    assert words in doctor.get(f"/results/{task}")


def test_an_amendment_takes_its_choice_along(doctor: Visitor, clinic: Clinic) -> None:
    task = clinic.result("treatment", clinic.patient, care_plan([]))
    kept = {
        "reviewed": "yes",
        "text": "Prasugrel; no rehabilitation.",
        "choice-choice/0": "choice/0/0",
    }
    kept |= fates(confirm=["goal", "interaction"]) | declined("rehabilitation")
    assert doctor.decide(task, "amend", **kept).status_code == 303
    written = clinic.outputs(task)
    assert [written[key]["status"] for key in ("prasugrel", "ticagrelor", "rehabilitation")] == [
        "active",
        "cancelled",
        "revoked",
    ]


@pytest.mark.parametrize("reason", ["", " ", "Omeprazole was stopped."])
def test_a_grave_alert_is_left_out_only_with_a_reason(
    doctor: Visitor, clinic: Clinic, reason: str
) -> None:
    task = clinic.result("treatment", clinic.patient, care_plan([]))
    form = {"reviewed": "yes", "text": "Prasugrel.", "choice-choice/0": "choice/0/0"}
    form |= REHABILITATION | fates(confirm=["goal"], leave=["interaction"])
    answer = doctor.decide(task, "amend", reason=reason, **form)
    if reason.strip():
        assert answer.status_code == 303
        assert clinic.task(task)["statusReason"]["text"] == reason
    else:
        asked = "Say why this high-severity alert does not hold."
        assert answer.status_code == 400 and asked in answer.text
        assert clinic.task(task)["status"] == "requested"


def test_a_report_made_final_elsewhere_is_respected_and_its_head_closed(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    report = clinic.outputs(task)["report"]
    clinic.ehr.update(report | {"status": "final"}, report["meta"]["versionId"])
    assert doctor.decide(task, "reject", reason="No").status_code == 409
    page = doctor.get(f"/results/{task}")
    assert "Decided elsewhere" in page and "Sign as it stands" not in page
    stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', page)
    assert stamp and doctor.post(f"/results/{task}/close", stamp=stamp[1]).status_code == 303
    assert (
        clinic.task(task)["status"] == "completed"
        and clinic.outputs(task)["report"]["meta"]["versionId"] == "2"
    )
    page = doctor.get(f"/results/{task}")
    listed = doctor.get(f"/?outcome=completed&patient={clinic.patient}")
    assert '<span class="badge big">Decided in another system</span>' in page
    assert "<dt>Taken off the worklist by</dt><dd>Dr. Ada Berg</dd>" in page
    assert "Taken off the worklist by Dr. Ada Berg" in listed
    for shown in (page, listed):
        assert "badge signed" not in shown and ">Signed<" not in shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The description may not be empty"),
        ("Ticagrelor\u200b", "The description has a character that nobody can see"),
        ("Ticagrelor\ufffd", "The description has a character that can&#39;t be read"),
        ("a" * 20_001, "The description is longer than"),
        ("Ticagrelor.", "You changed the description, so each finding needs your choice"),
    ],
)
def test_what_is_wrong_with_a_plans_words_names_its_field(
    doctor: Visitor, clinic: Clinic, text: str, said: str
) -> None:
    task = clinic.result("treatment", clinic.patient, care_plan([]))
    refused = doctor.decide(task, "amend", reviewed="yes", text=text, **NO_CHOICE)
    assert refused.status_code == 400 and said in refused.text
    assert ">Description</label>" in refused.text
    assert not re.search(r'role="alert">[^<]*conclusion', refused.text)


def test_what_is_wrong_with_a_reports_words_names_its_field(
    doctor: Visitor, clinic: Clinic
) -> None:
    refused = doctor.decide(a_film(clinic), "amend", reviewed="yes", text="")
    assert refused.status_code == 400 and "The conclusion may not be empty" in refused.text
