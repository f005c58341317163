"""Load: identity."""

import json
from pathlib import Path

import pydicom
import pytest

from services.load.patient import load_patient
from shared.dicom.store import open_pacs
from shared.ehr.client import Ehr
from shared.errors import InvalidInput
from shared.settings import Settings
from tests.integration.load.support import (
    ACCESSION,
    FILM,
    OTHERS,
    PATIENT,
    bundle,
    observation,
    person,
    read,
    refused,
    twice,
    unique,
)


def test_what_two_patients_have_alike_stays_two(folder: Path, settings: Settings, ehr: Ehr) -> None:
    made = []
    for n in range(2):
        patient = PATIENT | {
            "identifier": [{"system": "urn:test:mrn", "value": f"{abs(hash(folder))}-{n}"}]
        }
        condition = {
            "resourceType": "Condition",
            "code": {"text": "cough"},
            "subject": {"reference": "Patient/p"},
        }
        (folder / f"{n}.json").write_text(bundle(patient, condition))
        made.append(load_patient(folder / f"{n}.json", settings, ehr)[1])
    assert made[0].reference != made[1].reference


def test_a_dummy_number_that_two_patients_share_keeps_them_two(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    made = []
    for name, born in (("a", "1940-01-01"), ("b", "1950-01-01")):
        (folder / name).mkdir()
        (folder / name / "p.json").write_text(json.dumps(person(folder, name, birthDate=born)))
        (folder / name / "note.txt").write_text(f"Note of {name}.")
        made.append(twice(folder / name, settings, ehr))
    (patient_a, note_a), (patient_b, note_b) = made
    assert patient_a.reference != patient_b.reference
    assert [read(ehr, n.reference)["subject"]["reference"] for n in (note_a, note_b)] == [
        patient_a.reference,
        patient_b.reference,
    ]


@pytest.mark.parametrize("story", OTHERS)
def test_another_person_under_the_same_identifier_is_refused_before_anything_is_written(
    story: str, folder: Path, settings: Settings, ehr: Ehr
) -> None:
    shared = {"system": "urn:test:insurance", "value": str(abs(hash(folder)))}
    mine = {
        "birthDate": "1940-01-01",
        "identifier": [shared, {"system": "urn:test:mrn", "value": "mine"}],
    }
    (folder / "p.json").write_text(json.dumps(PATIENT | mine))
    [patient] = twice(folder, settings, ehr)
    changed, says = OTHERS[story]
    identifiers = [shared, *changed.get("identifier", [])]
    (folder / "p.json").write_text(
        json.dumps(PATIENT | mine | changed | {"identifier": identifiers})
    )
    (folder / "note.txt").write_text("Note of another.")
    (folder / "film.dcm").write_bytes(FILM.read_bytes())
    message = refused(folder, settings, ehr)
    assert [
        part for part in ("p.json (Patient)", "urn:test:insurance", says) if part not in message
    ] == [], message
    assert [
        part
        for part in (shared["value"], "1950", "other", "mine")
        if part in message.replace("another", "")
    ] == []
    assert list(ehr.search("DocumentReference", {}, subject=patient.reference)) == []
    assert "(0 stud" in open_pacs(settings).describe()


def test_a_date_of_birth_that_says_less_is_no_other(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    made = []
    for born in ({"birthDate": "1940-03-05"}, {"birthDate": "1940"}, {}):
        (folder / "p.json").write_text(json.dumps(person(folder, "a", **born)))
        made += load_patient(folder, settings, ehr)
    assert [item.created for item in made] == [True, False, False]


def test_what_shares_its_only_identifier_is_refused_and_never_dropped(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    accession = {"system": ACCESSION, "value": f"Canary{abs(hash(folder))}"}
    (folder / "b.json").write_text(
        bundle(unique(folder), *(observation(code, accession) for code in ("sodium", "potassium")))
    )
    message = refused(folder, settings, ehr)
    assert [
        part
        for part in ("b.json, entry 2 (Observation)", "b.json, entry 3 (Observation)", ACCESSION)
        if part not in message
    ] == [], message
    assert "Canary" not in message


def test_an_identifier_of_its_own_beside_a_shared_one_tells_two_results_apart(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    accession = {"system": ACCESSION, "value": str(abs(hash(folder)))}
    results = [
        observation(
            code, accession, {"system": "urn:test:result", "value": f"{abs(hash(folder))}-{code}"}
        )
        for code in ("sodium", "potassium")
    ]
    (folder / "b.json").write_text(
        bundle(unique(folder), *results, results[0])
    )  # one of them twice: pages of an export overlap
    _, *loaded = load_patient(folder, settings, ehr)
    assert [read(ehr, item.reference)["code"]["text"] for item in loaded] == [
        "sodium",
        "potassium",
        "sodium",
    ]
    assert [item.created for item in loaded] == [True, True, False]
    assert not any(item.created for item in load_patient(folder, settings, ehr))


@pytest.mark.parametrize(
    "story", [("b", "sodium", "about another patient"), ("a", "potassium", "has another code")]
)
def test_a_result_that_another_ones_identifier_would_hide_is_refused(
    story: tuple[str, str, str], folder: Path, settings: Settings, ehr: Ehr
) -> None:
    name, code, says = story
    accession = {"system": ACCESSION, "value": str(abs(hash(folder)))}
    (folder / "b.json").write_text(bundle(person(folder, "a"), observation("sodium", accession)))
    twice(folder, settings, ehr)
    (folder / "b.json").write_text(bundle(person(folder, name), observation(code, accession)))
    with pytest.raises(InvalidInput) as caught:
        load_patient(folder, settings, ehr)
    assert [
        part
        for part in ("b.json, entry 2 (Observation)", ACCESSION, says)
        if part not in str(caught.value)
    ] == [], caught.value
    assert accession["value"] not in str(caught.value)


def test_a_study_of_another_patient_is_refused_before_anything_is_written(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    film = pydicom.dcmread(FILM)
    film.StudyInstanceUID = f"2.25.{abs(hash(folder))}"
    film.save_as(folder / "film.dcm")
    (folder / "p.json").write_text(json.dumps(person(folder, "a")))
    twice(folder, settings, ehr)
    (folder / "p.json").write_text(json.dumps(person(folder, "b")))
    message = refused(folder, settings, ehr)
    assert "ImagingStudy" in message and "another patient" in message
    assert film.StudyInstanceUID not in message


def test_odd_identifiers_never_reach_a_query(folder: Path, settings: Settings, ehr: Ehr) -> None:
    marks = [{"value": "17"}, {"system": "urn:test:mrn", "value": f"A&B|C, {folder}"}]
    (folder / "b.json").write_text(json.dumps(PATIENT | {"identifier": marks}))
    [patient] = twice(folder, settings, ehr)
    assert read(ehr, patient.reference)["identifier"][:2] == marks
