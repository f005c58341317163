"""Review: signing."""

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.browser.clinic import (
    Clinic,
    a_film,
    genome,
    study,
)
from tests.integration.review.support import PNEUMONIA, Visitor, a_coded_film, fates, meant


@pytest.mark.parametrize(
    ("action", "fields", "words"),
    [
        ("sign", {}, "Confirm that you have reviewed"),
        ("reject", {"reason": "  "}, "Say why"),
        ("amend", {"reviewed": "yes", "text": " "}, "may not be empty"),
        ("amend", {"text": "Different."}, "Confirm that you have reviewed"),
    ],
)
def test_an_incomplete_form_says_what_is_missing_and_keeps_what_was_typed(
    doctor: Visitor, clinic: Clinic, action: str, fields: dict[str, str], words: str
) -> None:
    task = a_film(clinic)
    response = doctor.decide(task, action, **fields)
    assert response.status_code == 400 and words in response.text
    assert fields.get("text", "").strip() in response.text
    assert clinic.task(task)["status"] == "requested"


def test_a_conclusion_that_a_clinician_rewrote_no_longer_carries_the_model_s_code(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_coded_film(clinic)
    page = doctor.get(f"/results/{task}")
    assert "The report is coded as <strong>Pneumonia</strong>, by the model." in page
    assert (
        doctor.decide(
            task,
            "amend",
            reviewed="yes",
            text="No pneumonia; masses.",
            **fates(refute=["pneumonia"]),
        ).status_code
        == 303
    )
    written = clinic.outputs(task)
    report = written["report"]
    assert (report["status"], report["conclusion"]) == ("amended", "No pneumonia; masses.")
    assert {"conclusionCode", "presentedForm", "result", "media", "text"} & set(report) == set()
    assert (written["pneumonia"]["status"], written["heat-map"]["status"]) == (
        "cancelled",
        "entered-in-error",
    )
    assert all(
        word not in orjson.dumps(report).decode()
        for word in ("233604007", "Pneumonia", "in keeping with")
    )
    assert "by the model" not in doctor.get(f"/results/{task}")


def test_a_rewritten_conclusion_loses_its_code_even_where_the_finding_is_kept(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_coded_film(clinic)
    assert (
        doctor.decide(
            task, "amend", reviewed="yes", text="Atelectasis.", **fates(confirm=["pneumonia"])
        ).status_code
        == 303
    )
    written = clinic.outputs(task)
    assert {"conclusionCode", "presentedForm"} & set(written["report"]) == set()
    assert (written["pneumonia"]["status"], written["heat-map"]["status"]) == ("final", "completed")
    assert len(written["report"]["result"]) == len(written["report"]["media"]) == 1


def test_a_code_goes_with_the_finding_that_it_stands_for(doctor: Visitor, clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    text = clinic.outputs(task)["report"]["conclusion"]
    form = {"reviewed": "yes", "text": text} | fates(leave=["pneumonia"])
    ticks = meant(doctor.decide(task, "amend", **form).text)
    assert doctor.decide(task, "amend", meant=ticks, **form).status_code == 303
    assert {"conclusionCode", "presentedForm", "result"} & set(
        clinic.outputs(task)["report"]
    ) == set()


def test_a_signed_report_keeps_its_code(doctor: Visitor, clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    assert doctor.decide(task, "sign", reviewed="yes").status_code == 303
    report = clinic.outputs(task)["report"]
    assert (
        report["conclusionCode"] == [PNEUMONIA]
        and "presentedForm" in report
        and report["status"] == "final"
    )


def test_two_clinicians_one_decision(
    visit: Callable[..., Visitor], doctor: Visitor, clinic: Clinic
) -> None:
    task, colleague = a_film(clinic), visit()
    colleague.log_in()
    page = colleague.get(f"/results/{task}")
    assert doctor.decide(task, "sign", reviewed="yes").status_code == 303
    stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', page)
    assert stamp
    late = colleague.post(
        f"/results/{task}/decision", stamp=stamp[1], action="reject", reason="Typed with care"
    )
    assert (
        late.status_code == 409
        and "changed while you were reading" in late.text
        and "Typed with care" in late.text
    )
    assert clinic.outputs(task)["report"]["status"] == "final"


def test_a_write_that_comes_between_page_and_signature_wins(
    doctor: Visitor, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, transact = a_film(clinic), clinic.ehr.transact

    def slow(transaction: dict[str, Any]) -> Any:
        finding = clinic.outputs(task)["pneumonia"]
        clinic.ehr.update(
            finding | {"note": [{"text": "Written in the same second."}]},
            finding["meta"]["versionId"],
        )
        return transact(transaction)

    monkeypatch.setattr(clinic.ehr, "transact", slow)
    response = doctor.decide(task, "sign", reviewed="yes")
    assert response.status_code == 409 and "Written in the same second." in response.text
    assert (
        clinic.task(task)["status"] == "requested"
        and clinic.outputs(task)["report"]["status"] == "preliminary"
    )


def test_a_rejection_for_the_wrong_patient_is_entered_in_error(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    assert (
        doctor.decide(
            task, "reject", reason="Somebody else's film", wrong_patient="yes"
        ).status_code
        == 303
    )
    assert {r["status"] for r in clinic.outputs(task).values()} == {"entered-in-error"}


def test_a_gene_that_is_dropped_takes_its_advice_along(doctor: Visitor, clinic: Clinic) -> None:
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("genomics", source, genome(source))
    form = {"reviewed": "yes", "text": "Sample mix-up suspected."}
    form |= fates(refute=["genotype-cyp2c19"], leave=["clopidogrel"])
    assert doctor.decide(task, "amend", **form).status_code == 303
    assert {key: r["status"] for key, r in clinic.outputs(task).items()} == {
        "genotype-cyp2c19": "cancelled",
        "clopidogrel": "cancelled",
        "advice-clopidogrel": "cancelled",
        "report": "amended",
    }


def test_what_was_drawn_from_a_gene_taken_back_elsewhere_is_not_signed(
    doctor: Visitor, clinic: Clinic
) -> None:
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("genomics", source, genome(source))
    assert "taken back in another system" not in doctor.get(f"/results/{task}")
    gene = clinic.outputs(task)["genotype-cyp2c19"]
    clinic.ehr.update(gene | {"status": "entered-in-error"}, gene["meta"]["versionId"])
    page = doctor.get(f"/results/{task}")
    assert "not accepted either: clopidogrel" in page and "Sign as it stands" not in page
    refused = doctor.decide(task, "sign", reviewed="yes")
    assert refused.status_code == 400 and "Amend or reject it." in refused.text
    assert clinic.task(task)["status"] == "requested"
    assert doctor.decide(task, "amend", reviewed="yes", text="Sample mix-up.").status_code == 400
    form = {"reviewed": "yes", "text": "Sample mix-up."} | fates(leave=["clopidogrel"])
    assert doctor.decide(task, "amend", **form).status_code == 303
    assert {key: r["status"] for key, r in clinic.outputs(task).items()} == {
        "genotype-cyp2c19": "entered-in-error",
        "clopidogrel": "cancelled",
        "advice-clopidogrel": "cancelled",
        "report": "amended",
    }
