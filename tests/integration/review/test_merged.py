"""Review: a patient whose records were merged. Pages say so, and nothing is signed out of place."""

import re

import httpx
import pytest

from shared.ehr.client import Ehr
from shared.fhir import codes
from shared.fhir.person import CONTRADICTION
from shared.json import Json
from tests.browser.clinic import Clinic, a_film
from tests.browser.drafts import care_plan
from tests.integration.review.support import NO_CHOICE, Visitor
from tests.merging import link, merge, say
from tests.unit.treatment_record import order

SIGN = {"reviewed": "yes"}


@pytest.fixture
def other(ehr: Ehr) -> str:
    named = [{"family": "Andersen", "given": ["Karla"]}]
    return ehr.create({"resourceType": "Patient", "name": named}).reference


def order_of(ehr: Ehr, subject: str) -> str:
    body = {k: v for k, v in order("clopidogrel", "32968").items() if k not in ("id", "meta")}
    return ehr.create(body | {"subject": codes.reference(subject)}).reference


def texts(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


REPLACED = "This record was replaced by another of the same patient; new results are drafted there."


def test_a_draft_on_a_replaced_record_says_so_and_can_only_be_rejected(
    doctor: Visitor, clinic: Clinic, other: str
) -> None:
    task = a_film(clinic)
    merge(clinic.ehr, clinic.patient, other)
    page = doctor.get(f"/results/{task}")
    assert REPLACED in texts(page) and "Nobody can sign this result" in page
    assert "Sign as it stands" not in page
    assert doctor.decide(task, "sign", **SIGN).status_code == 409
    assert clinic.task(task)["status"] == "requested"
    assert doctor.decide(task, "reject", reason="filed twice").status_code == 303


def test_what_was_signed_on_a_replaced_record_stays_and_is_found_from_both(
    doctor: Visitor, clinic: Clinic, other: str
) -> None:
    task = a_film(clinic)
    doctor.decide(task, "sign", **SIGN)
    merge(clinic.ehr, clinic.patient, other)
    page = texts(doctor.get(f"/results/{task}"))
    assert f"{REPLACED} What was decided here stays here." in page
    for record in (clinic.patient, other):
        rows = doctor.get(f"/?outcome=completed&patient={record.split('/')[1]}")
        assert f"/results/{task}" in rows, record
        assert "under a replaced record: all under the one in use" in texts(rows)
        assert f"patient={other.split('/')[1]}" in rows


def test_the_survivors_page_names_the_records_that_it_replaces(
    doctor: Visitor, clinic: Clinic, other: str
) -> None:
    task = a_film(clinic)
    merge(clinic.ehr, other, clinic.patient)
    page = doctor.get(f"/results/{task}")
    said = (
        "This record also holds what was recorded under another record, now replaced by this one."
    )
    assert said in texts(page)
    assert f"<code>{other}</code>" in page, "the technical details name it"
    assert doctor.decide(task, "sign", **SIGN).status_code == 303


def test_a_plan_that_rests_on_a_replaced_record_is_whole_and_can_be_signed(
    doctor: Visitor, clinic: Clinic, other: str
) -> None:
    merge(clinic.ehr, other, clinic.patient)
    ordered = order_of(clinic.ehr, other)
    task = clinic.result("treatment", clinic.patient, care_plan([ordered]))
    page = doctor.get(f"/results/{task}")
    assert "belong to another patient" not in page and ordered in page
    assert doctor.decide(task, "sign", **SIGN, **NO_CHOICE).status_code == 303


def test_a_merge_while_a_page_is_open_is_shown_before_anything_is_signed(
    doctor: Visitor, clinic: Clinic, other: str
) -> None:
    task = a_film(clinic)
    stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', doctor.get(f"/results/{task}"))
    assert stamp
    merge(clinic.ehr, other, clinic.patient)
    late = doctor.post(f"/results/{task}/decision", stamp=stamp[1], action="sign", **SIGN)
    assert late.status_code == 409 and "also holds what was recorded under" in late.text
    assert clinic.task(task)["status"] == "requested"


def test_links_that_contradict_each_other_are_said_and_nothing_is_signed(
    doctor: Visitor, clinic: Clinic, other: str
) -> None:
    task = a_film(clinic)
    say(clinic.ehr, clinic.patient, link("replaced-by", other), active=False)
    say(clinic.ehr, other, link("replaced-by", clinic.patient), active=False)
    assert CONTRADICTION.replace("'", "&#39;") in doctor.get(f"/results/{task}")
    assert doctor.decide(task, "sign", **SIGN).status_code == 409
    assert f"/results/{task}" in doctor.get(f"/?patient={other.split('/')[1]}")


def test_nothing_is_signed_for_a_patient_who_is_not_in_the_ehr(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    httpx.delete(f"{clinic.ehr.base}/{clinic.patient}").raise_for_status()
    if doctor.client.get(f"/results/{task}").status_code == 502:
        return  # HAPI FHIR: a search about whom it has deleted is refused, so there is no page
    page = doctor.get(f"/results/{task}")
    assert "The EHR has no record of this patient" in page and "Nobody can sign" in page
    assert doctor.decide(task, "sign", **SIGN).status_code == 409
    assert clinic.task(task)["status"] == "requested"


NUMBER = {"identifier": {"system": "https://other-hospital.example", "value": "17"}}


@pytest.mark.parametrize(
    ("links", "said"),
    [
        ([{"type": "replaces", "other": NUMBER}], "also replaces one of another system"),
        ([{"type": "replaces", "other": {"display": "x"}}], "does not name readably"),
        ([link("seealso", "")], "links this record with another record, and does not say"),
        ([link("refer", "")], "links this record with another record, and does not say"),
        ([{"type": "refer", "other": NUMBER}], ""),
    ],
    ids=["replaced elsewhere", "replaced unreadably", "alike", "referred", "names nothing"],
)
def test_what_is_linked_and_not_read_is_said(
    doctor: Visitor, clinic: Clinic, other: str, links: list[Json], said: str
) -> None:
    task = a_film(clinic)
    named = [link(k["type"], other) if k["other"] == {"reference": ""} else k for k in links]
    say(clinic.ehr, clinic.patient, *named)
    page = texts(doctor.get(f"/results/{task}"))
    assert said in page and ("is read here" in page) == bool(said)
    assert doctor.decide(task, "sign", **SIGN).status_code == 303


DOUBTED = "The EHR says that another record of this patient replaces this one; it is still active."


def doubted(ehr: Ehr, patient: str, other: str, way: str) -> None:
    """Say that the other replaces this record, which stays in use, in one of the ways of EHRs."""
    named = {"itself": {"reference": other}, "both": {"reference": other}, "elsewhere": NUMBER}
    links = [{"type": "replaced-by", "other": named[way]}] if way in named else []
    say(ehr, patient, *links, active=True)
    if way in ("both", "the other"):
        say(ehr, other, link("replaces", patient), active=True)


@pytest.mark.parametrize("way", ["itself", "both", "the other", "elsewhere"])
def test_a_record_in_use_that_another_replaces_is_asked_about_before_a_signature(
    doctor: Visitor, clinic: Clinic, other: str, way: str
) -> None:
    task, again = a_film(clinic), a_film(clinic)
    doubted(clinic.ehr, clinic.patient, other, way)
    page = doctor.get(f"/results/{task}")
    assert DOUBTED in texts(page) and page.count("Perhaps replaced by another record") == 2
    asked = doctor.decide(task, "sign", **SIGN)
    assert asked.status_code == 400 and "Tick that you know it" in asked.text
    assert clinic.task(task)["status"] == "requested"
    assert doctor.decide(task, "sign", **SIGN, doubted="yes").status_code == 303
    assert doctor.decide(again, "reject", reason="filed twice").status_code == 303


@pytest.mark.parametrize("way", ["itself", "both", "the other", "elsewhere"])
def test_a_merge_that_leaves_the_record_active_is_noticed_at_the_signature(
    doctor: Visitor, clinic: Clinic, other: str, way: str
) -> None:
    task = a_film(clinic)
    say(clinic.ehr, clinic.patient, active=True)
    stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', doctor.get(f"/results/{task}"))
    assert stamp
    doubted(clinic.ehr, clinic.patient, other, way)
    late = doctor.post(
        f"/results/{task}/decision", stamp=stamp[1], action="sign", **SIGN, doubted="yes"
    )
    assert late.status_code == 409 and DOUBTED in texts(late.text)
    assert clinic.task(task)["status"] == "requested"


def test_the_record_that_replaces_one_in_use_says_so_and_is_signed(
    doctor: Visitor, clinic: Clinic, other: str
) -> None:
    task = a_film(clinic)
    say(clinic.ehr, other, link("replaced-by", clinic.patient), active=True)
    page = texts(doctor.get(f"/results/{task}"))
    assert "this record replaces another record, still active: nothing of that is read" in page
    assert doctor.decide(task, "sign", **SIGN).status_code == 303


def test_another_patients_part_is_foreign_still(
    doctor: Visitor, clinic: Clinic, other: str
) -> None:
    stranger = clinic.ehr.create({"resourceType": "Patient"}).reference
    say(clinic.ehr, clinic.patient, link("seealso", stranger))
    merge(clinic.ehr, other, clinic.patient)
    ordered = order_of(clinic.ehr, stranger)
    task = clinic.result("treatment", clinic.patient, care_plan([ordered]))
    page = doctor.get(f"/results/{task}")
    assert "belong to another patient" in page and f"{ordered}<" not in page
