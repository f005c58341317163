"""Review: who the patient is, in the banner and beside the forms."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.review.app import create_review_app
from services.review.person.identifiers import V2_0203
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.fhir import codes
from shared.json import Json
from shared.settings import load_settings
from tests.browser.clinic import Clinic, a_film, open_clinic
from tests.fakes import HAPI, FakeEhr
from tests.integration.review.support import Visitor
from tests.integration.review.test_merged import SIGN, texts
from tests.merging import link, merge
from tests.merging import say as say_links
from tests.unit.review_present.test_allergies import allergy, denial


def say(ehr: Ehr, patient: str, **elements: Any) -> None:
    """Write the patient's record with other elements."""
    stored = ehr.read(patient)
    assert stored is not None
    ehr.update(stored | elements, stored["meta"]["versionId"])


def banner(page: str) -> str:
    found = re.search(r'<section class="banner.*?</section>', page, re.DOTALL)
    assert found
    return texts(found[0]).replace(" ,", ",").replace(" ;", ";")


def beside(page: str) -> str:
    found = re.search(r'<aside class="decide".*?</aside>', page, re.DOTALL)
    assert found
    return texts(found[0])


def recorded(ehr: Ehr, patient: str, *allergies: Json) -> None:
    for body in allergies:
        ehr.create(body | {"patient": codes.reference(patient)})


def test_name_and_birth_date_stand_beside_the_forms(doctor: Visitor, clinic: Clinic) -> None:
    page = doctor.get(f"/results/{a_film(clinic)}")
    assert "Born 2 Mar 1940 (" in banner(page) and "Sex female" in banner(page)
    assert beside(page).startswith("Erika Mustermann born 2 Mar 1940 (")


def test_a_former_name_is_never_the_name(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    names = [
        {"use": "old", "text": "Erika Gabler"},
        {"use": "official", "text": "Erika Alt", "period": {"end": "2019-12-31"}},
        {"use": "usual", "text": "Erika Neu"},
    ]
    say(clinic.ehr, clinic.patient, name=names)
    page = doctor.get(f"/results/{task}")
    assert banner(page).startswith("Erika Neu Formerly Erika Alt, Erika Gabler")
    assert beside(page).startswith("Erika Neu born")
    assert "Erika Neu" in doctor.get(f"/?patient={clinic.patient.split('/')[1]}")


def test_the_record_number_in_use_stands_there(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    number = codes.concept(V2_0203, "MR")
    identifiers = [
        {"system": "urn:a", "value": "OLD-1", "use": "old", "type": number},
        {"system": "urn:b", "value": "OLD-2", "type": number, "period": {"end": "2019"}},
        {"system": "urn:c", "value": "NOW-3", "use": "official", "type": number},
    ]
    say(clinic.ehr, clinic.patient, identifier=identifiers)
    page = doctor.get(f"/results/{task}")
    shown = banner(page)
    assert "MRN NOW-3" in shown and "OLD" not in shown
    assert "MRN NOW-3" in beside(page) and "OLD" not in beside(page)


@pytest.mark.parametrize(
    ("allergies", "said"),
    [
        ([], "Allergies none recorded: ask the patient"),
        ([denial("716186003")], "Allergies no known allergies"),
        ([denial("409137002")], "Allergies no known drug allergies"),
        ([allergy("penicillin", "resolved"), allergy("nuts", verified="refuted")], "none recorded"),
        (
            [allergy("nuts", verified="unconfirmed"), allergy("penicillin", criticality="high")],
            "Allergies penicillin (high risk), nuts (unconfirmed)",
        ),
        (
            [allergy("penicillin"), denial("716186003")],
            "Allergies penicillin; the record contradicts itself: it also says no known allergies",
        ),
    ],
)
def test_allergies_stand_there_always(
    doctor: Visitor, clinic: Clinic, allergies: list[Json], said: str
) -> None:
    recorded(clinic.ehr, clinic.patient, *allergies)
    recorded(clinic.ehr, open_clinic(clinic.ehr, "Otto").patient, allergy("somebody else's"))
    shown = banner(doctor.get(f"/results/{a_film(clinic)}"))
    assert said in shown and "somebody else" not in shown


@pytest.mark.parametrize(
    ("elements", "said"),
    [
        ({"deceasedBoolean": True}, "Deceased"),
        ({"deceasedDateTime": "2020-05-01"}, "Deceased on 1 May 2020"),
        ({"deceasedDateTime": "2020-05-01T10:00:00Z"}, "Deceased on 1 May 2020"),
        ({"deceasedDateTime": "2020"}, "Deceased in 2020"),
    ],
)
def test_for_a_patient_who_has_died_a_signature_needs_a_tick(
    doctor: Visitor, clinic: Clinic, elements: Json, said: str
) -> None:
    task = a_film(clinic)
    say(clinic.ehr, clinic.patient, **elements)
    page = doctor.get(f"/results/{task}")
    assert said in banner(page) and said in beside(page)
    if len(elements.get("deceasedDateTime", "")) >= 10:
        assert "(80 y at death)" in banner(page)
    asked = doctor.decide(task, "sign", **SIGN)
    assert asked.status_code == 400 and "the patient has died" in asked.text
    assert clinic.task(task)["status"] == "requested"
    assert doctor.decide(task, "sign", **SIGN, deceased="yes").status_code == 303


def test_a_rejection_needs_no_tick_and_a_living_patient_none(
    doctor: Visitor, clinic: Clinic
) -> None:
    living, task = a_film(clinic), a_film(clinic)
    say(clinic.ehr, clinic.patient, deceasedBoolean=False)
    assert "Deceased" not in doctor.get(f"/results/{living}")
    say(clinic.ehr, clinic.patient, deceasedBoolean=True)
    assert doctor.decide(task, "reject", reason="too late").status_code == 303


def test_a_record_that_is_not_in_use_closes_the_form(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    say(clinic.ehr, clinic.patient, active=False)
    page = doctor.get(f"/results/{task}")
    assert "Record not in use" in banner(page) and "(inactive)" in texts(page)
    assert "Sign as it stands" not in page and "Nobody can sign this result" in page
    assert doctor.decide(task, "sign", **SIGN).status_code == 409
    assert doctor.decide(task, "reject", reason="no such patient").status_code == 303


HIDDEN = "characters that nobody can see in this patient's name or identifier"
CHARS = {
    "\u202e": "[U+202E]",
    "\u200b": "[U+200B]",
    "\u2066": "[U+2066]",
    "\u00ad": "[U+00AD]",
    "\ufeff": "[U+FEFF]",
}


@pytest.mark.parametrize("char", CHARS)
@pytest.mark.parametrize("of", ["name", "former name", "identifier"])
def test_what_nobody_sees_in_a_name_or_number_is_shown_and_said(
    doctor: Visitor, clinic: Clinic, char: str, of: str
) -> None:
    task, odd = a_film(clinic), f"A{char}Z"
    names = {"name": odd, "former name": "Erika"}
    name = [{"text": names.get(of, "Erika")}, {"text": odd, "use": "old"}]
    number = [{"system": "urn:a", "value": odd if of == "identifier" else "7"}]
    say(clinic.ehr, clinic.patient, name=name[: 2 - (of != "former name")], identifier=number)
    page = doctor.get(f"/results/{task}")
    assert char not in page and f"A{CHARS[char]}Z" in banner(page)
    assert HIDDEN.replace("'", "&#39;") in banner(page) or HIDDEN in banner(page)
    rows = doctor.client.get("/", query_string={"patient": clinic.patient.split("/")[1]}).text
    assert task in rows and char not in rows


def test_what_nobody_sees_elsewhere_is_shown_too(doctor: Visitor, clinic: Clinic) -> None:
    task, odd = a_film(clinic), "A\u202eZ"
    recorded(clinic.ehr, clinic.patient, allergy(odd))
    head = clinic.task(task) | {"description": odd}
    clinic.ehr.update(head, head["meta"]["versionId"])
    report = clinic.outputs(task)["report"]
    clinic.ehr.update(report | {"conclusion": f"{odd}\u2067"}, report["meta"]["versionId"])
    page = doctor.get(f"/results/{task}")
    assert "\u202e" not in page and "\u2067" not in page
    assert "Allergies A[U+202E]Z" in banner(page) and "A[U+202E]Z[U+2067]" in page
    assert HIDDEN not in texts(page)


@pytest.mark.parametrize(
    ("elements", "said"),
    [
        ({"birthDate": "2990-01-01"}, "the birth date is in the future"),
        ({"birthDate": "2990-01"}, "the birth date is in the future"),
        ({"birthDate": "2990"}, "the birth date is in the future"),
        (
            {"birthDate": "2001-01-01", "deceasedDateTime": "2000-01-01"},
            "the birth date is after the death",
        ),
        ({"birthDate": "2001-01-01"}, ""),
    ],
)
def test_a_birth_date_that_can_t_be_is_said(
    doctor: Visitor, clinic: Clinic, elements: Json, said: str
) -> None:
    task = a_film(clinic)
    say(clinic.ehr, clinic.patient, **elements)
    page = doctor.get(f"/results/{task}")
    assert said in banner(page) and said in beside(page)
    assert ("birth date is" in banner(page)) == bool(said)


def test_all_times_are_in_the_hospitals_zone(visit: Callable[..., Visitor], clinic: Clinic) -> None:
    visitor, task = visit(timezone="Asia/Kolkata"), a_film(clinic)
    visitor.log_in()
    for path in ("/", f"/results/{task}"):
        page = texts(visitor.get(path))
        assert " IST" in page and " UTC" not in page


@pytest.fixture
def fake() -> Iterator[FakeEhr]:
    with FakeEhr(HAPI) as found:
        yield found


@pytest.mark.parametrize("status", [403, 404, 500])
def test_what_could_not_be_read_is_never_none(fake: FakeEhr, tmp_path: Path, status: int) -> None:
    ehr = open_ehr(load_settings(fhir_url=fake.base))
    clinic = open_clinic(ehr)
    task = a_film(clinic)
    settings = load_settings(fhir_url=fake.base, state_dir=tmp_path, **clinic.login)
    doctor = Visitor(create_review_app(settings, ehr).test_client())
    doctor.log_in()
    fake.faults.fail(9, status, path="AllergyIntolerance")
    shown = banner(doctor.get(f"/results/{task}"))
    assert "Allergies could not be read" in shown and "none" not in shown
    fake.faults.end()
    assert "Allergies none recorded" in banner(doctor.get(f"/results/{task}"))
    ehr.close()


def test_none_recorded_under_one_of_several_records_says_so(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    other = clinic.ehr.create({"resourceType": "Patient"}).reference
    merge(clinic.ehr, other, clinic.patient)
    recorded(clinic.ehr, other, allergy("latex"))
    assert "Allergies latex" in banner(doctor.get(f"/results/{task}"))
    say_links(clinic.ehr, clinic.patient, link("replaced-by", other), active=False)
    say_links(clinic.ehr, other, link("replaced-by", clinic.patient), active=False)
    shown = banner(doctor.get(f"/results/{task}"))
    assert "Allergies none recorded: ask the patient (under this record alone)" in shown
