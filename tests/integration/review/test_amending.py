"""Review: an amendment decides on every finding, and its words agree with them."""

import re

import pytest

from shared.fhir import codes, lifecycle
from tests.browser.clinic import Clinic, a_film, genome, note_findings, study
from tests.integration.review.support import Visitor, fates, meant


def test_a_changed_conclusion_asks_for_every_finding_by_name(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    page = doctor.get(f"/results/{task}")
    assert not re.search(r'name="part-[^>]* checked', page), "nothing is chosen beforehand"
    again = doctor.decide(task, "amend", reviewed="yes", text="Masses, not pneumonia.")
    assert again.status_code == 400 and "Still open: Pneumonia. Nothing was saved." in again.text
    assert ">Masses, not pneumonia.</textarea>" in again.text
    written = clinic.outputs(task)
    assert (written["report"]["status"], written["pneumonia"]["status"]) == (
        "preliminary",
        "preliminary",
    )


@pytest.mark.parametrize("open_one", ["genotype-cyp2c19", "clopidogrel"])
def test_no_part_of_a_changed_result_goes_without_a_choice(
    doctor: Visitor, clinic: Clinic, open_one: str
) -> None:
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("genomics", source, genome(source))
    others = {"genotype-cyp2c19", "clopidogrel"} - {open_one}
    form = {"reviewed": "yes", "text": "Normal metaboliser."} | fates(confirm=sorted(others))
    answer = doctor.decide(task, "amend", **form)
    assert answer.status_code == 400 and "Still open: " in answer.text
    assert re.search(rf'name="part-{sorted(others)[0]}" value="confirm" checked', answer.text)
    assert clinic.task(task)["status"] == "requested"


def test_a_choice_that_was_not_offered_is_none(doctor: Visitor, clinic: Clinic) -> None:
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("notes", source, note_findings(source))
    form = {"reviewed": "yes", "text": "One problem."}
    form |= fates(confirm=["problem-1", "drug-32968"], refute=["allergy"])
    answer = doctor.decide(task, "amend", **form)
    assert answer.status_code == 400
    assert "Still open: Allergy in the note is not on the allergy list." in answer.text


def test_what_is_refuted_is_told_from_what_is_left_out(doctor: Visitor, clinic: Clinic) -> None:
    statuses = {}
    for fate in ("refute", "leave"):
        source = study(clinic.ehr, clinic.patient)
        task = clinic.result("notes", source, note_findings(source))
        form = {"reviewed": "yes", "text": "Nothing to add."}
        form |= fates(confirm=["allergy"], **{fate: ["problem-1", "drug-32968"]})
        assert doctor.decide(task, "amend", **form).status_code == 303
        written = clinic.outputs(task)
        condition, drug = written["problem-1"], written["drug-32968"]
        statuses[fate] = (lifecycle.status_of(condition), drug["status"])
        assert ("clinicalStatus" in condition) == (fate == "refute")
        page = doctor.get(f"/results/{task}")
        assert 'class=" gone"' in page and ">not accepted</span>" in page
        assert drug["note"][-1]["authorReference"]["reference"].endswith(clinic.practitioner)
        words = "Refuted" if fate == "refute" else "Left out"
        assert drug["note"][-1]["text"].startswith(words)
        assert (
            f"{words}: clopidogrel; Hypertensive disorder." in clinic.task(task)["note"][0]["text"]
        )
    assert statuses == {
        "refute": ("refuted", "cancelled"),
        "leave": ("entered-in-error", "cancelled"),
    }


def test_what_was_drawn_from_a_refuted_part_is_not_confirmed(
    doctor: Visitor, clinic: Clinic
) -> None:
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("genomics", source, genome(source))
    form = {"reviewed": "yes", "text": "Sample mix-up suspected."}
    form |= fates(refute=["genotype-cyp2c19"], confirm=["clopidogrel"])
    answer = doctor.decide(task, "amend", **form)
    assert answer.status_code == 400 and "derived from something that you don" in answer.text
    assert clinic.task(task)["status"] == "requested"


@pytest.mark.parametrize(
    ("text", "fate", "words"),
    [
        (
            "Masses, not pneumonia.",
            "confirm",
            "denies <strong>Pneumonia</strong>, which you confirm",
        ),
        ("Pneumonia is excluded.", "confirm", "denies"),
        ("The lungs are clear.", "confirm", "denies"),
        ("Pneumonia in the left lower zone.", "refute", "affirms <strong>Pneumonia</strong>"),
    ],
)
def test_a_contradiction_is_asked_about_and_signed_only_where_it_is_meant(
    doctor: Visitor, clinic: Clinic, text: str, fate: str, words: str
) -> None:
    task = a_film(clinic)
    form = {"reviewed": "yes", "text": text} | fates(**{fate: ["pneumonia"]})
    asked = doctor.decide(task, "amend", **form)
    assert asked.status_code == 400 and words in asked.text
    assert f">{text}</textarea>" in asked.text and clinic.task(task)["status"] == "requested"

    [token] = meant(asked.text)
    other = form | fates(**{"refute" if fate == "confirm" else "confirm": ["pneumonia"]})
    if "clear" not in text:
        other["text"] = "Pneumonia." if fate == "confirm" else "No pneumonia."
        assert doctor.decide(task, "amend", meant=[token], **other).status_code == 400, (
            "a tick holds for the contradiction that it was made for"
        )
    assert doctor.decide(task, "amend", meant=[token], **form).status_code == 303
    assert clinic.outputs(task)["report"]["conclusion"] == text
    assert "Intended, although the conclusion contradicts it: Pneumonia." in str(
        clinic.task(task)["note"]
    )


def test_an_amendment_whose_words_agree_is_asked_nothing(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    form = {"reviewed": "yes", "text": "Masses, not pneumonia."} | fates(refute=["pneumonia"])
    assert doctor.decide(task, "amend", **form).status_code == 303
    written = clinic.outputs(task)
    assert (written["report"]["status"], written["pneumonia"]["status"]) == ("amended", "cancelled")


def test_the_words_of_the_ai_stay_with_an_amended_result(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    before = clinic.outputs(task)["report"]
    assert "What the AI said" not in doctor.get(f"/results/{task}")
    text = "Opacity in the left lower zone, a mass. CT advised."
    form = {"reviewed": "yes", "text": text} | fates(refute=["pneumonia"])
    assert doctor.decide(task, "amend", **form).status_code == 303

    report = clinic.outputs(task)["report"]
    found = clinic.ehr.search("Provenance", {"target": f"DiagnosticReport/{report['id']}"})
    [kept] = [e for p in found for e in p.get("entity", []) if e["role"] == "revision"]
    version = f"DiagnosticReport/{report['id']}/_history/{before['meta']['versionId']}"
    assert kept["what"]["identifier"]["value"] == version
    assert [e["valueString"] for e in kept["extension"]] == [before["conclusion"]]
    assert kept["extension"][0]["url"].startswith(codes.NS)

    page = doctor.get(f"/results/{task}")
    assert "What the AI said" in page and before["conclusion"] in page
    struck = "".join(re.findall(r"<del>(.*?)</del>", page, re.DOTALL))
    added = "".join(re.findall(r"<ins>(.*?)</ins>", page, re.DOTALL))
    assert "pneumonia" in struck and "0.91" in struck and "Opacity" not in struck + added
    assert "mass." in added and "CT advised." in added


def test_words_that_were_left_as_they_are_show_no_difference(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    text = clinic.outputs(task)["report"]["conclusion"]
    form = {"reviewed": "yes", "text": text} | fates(leave=["pneumonia"])
    asked = doctor.decide(task, "amend", **form)
    assert asked.status_code == 400
    assert "still speaks of <strong>Pneumonia</strong>, which is left out" in asked.text
    assert doctor.decide(task, "amend", meant=meant(asked.text), **form).status_code == 303
    page = doctor.get(f"/results/{task}")
    assert "The clinician left the words as they are." in page and "<del>" not in page


def test_a_plan_keeps_the_words_of_the_ai_too(doctor: Visitor, clinic: Clinic) -> None:
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("genomics", source, genome(source))
    form = {"reviewed": "yes", "text": "CYP2C19 intermediate metaboliser."}
    form |= fates(confirm=["genotype-cyp2c19", "clopidogrel"])
    assert doctor.decide(task, "amend", **form).status_code == 303
    assert "clopidogrel may protect less." in doctor.get(f"/results/{task}").split("<del>", 1)[1]
