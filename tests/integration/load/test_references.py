"""Load: references."""

import gzip
import json
import os
from pathlib import Path

from services.genomics.service import SERVICE as GENOMICS
from services.imaging.service import SERVICE as IMAGING
from services.load.patient import load_patient
from services.notes.service import SERVICE as NOTES
from shared.dicom.store import open_pacs
from shared.ehr.client import Ehr
from shared.fhir.summary import event_of
from shared.settings import Settings
from tests.integration.load.support import (
    EXAMPLE,
    FILM,
    VCF,
    bundle,
    read,
    twice,
    unique,
)


def test_a_file_name_that_is_no_utf_8_is_loaded_under_a_readable_one(
    ehr: Ehr, settings: Settings, folder: Path
) -> None:
    for name, content in (
        (b"p\xff.json", json.dumps(unique(folder))),
        (b"g\xff.vcf", VCF),
        (b"n\xff.txt", "No fever."),
        (b"x\xff.pdf", ""),
    ):
        (folder / os.fsdecode(name)).write_text(content)
    loaded = load_patient(folder, settings, ehr, tell=lambda _: None)
    assert sorted(found.file for found in loaded) == ["g\ufffd.vcf", "n\ufffd.txt", "p\ufffd.json"]
    titles = {
        d["content"][0]["attachment"]["title"]
        for found in loaded
        if "Document" in found.reference and (d := ehr.read(found.reference))
    }
    assert titles == {"g\ufffd.vcf", "n\ufffd.txt"}


def test_a_folder_of_everything_stands_in_the_record_and_each_service_accepts_its_part(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    for path in EXAMPLE.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "film.dcm").write_bytes(FILM.read_bytes())
    (folder / "genome2.vcf.gz").write_bytes(gzip.compress((EXAMPLE / "genome.vcf").read_bytes()))
    loaded = twice(folder, settings, ehr)
    accepted = {
        item.file: [
            s.name
            for s in (IMAGING, GENOMICS, NOTES)
            if s.accepts(event_of(read(ehr, item.reference), "create"))
        ]
        for item in loaded
    }
    assert {name: names for name, names in accepted.items() if names} == {
        "DICOM": ["imaging"],
        "genome.vcf": ["genomics"],
        "genome2.vcf.gz": ["genomics"],
        "note.txt": ["notes"],
    }
    patient = loaded[0].reference
    subjects = {
        (r.get("subject") or r.get("patient"))["reference"]
        for item in loaded[1:]
        if (r := read(ehr, item.reference))
    }
    assert subjects == {patient}
    genomes = [item.reference for item in loaded if "genome" in item.file]
    contents = []
    for reference in genomes:
        inputs = GENOMICS.gather(event_of(read(ehr, reference), "create"), ehr, settings)
        assert inputs is not None
        contents.append(inputs.content)
    assert contents[0] == contents[1], "compressed or not, it is the same genome"
    assert "(1 stud" in open_pacs(settings).describe()


def test_references_among_resources_are_followed_in_any_order(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    observation = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"text": "weight"},
        "subject": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"},
        "encounter": {"reference": "Encounter/e"},
    }
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p/_history/3"},
    }
    urls = (
        "http://elsewhere.example/fhir/Observation/o",
        "http://elsewhere.example/fhir/Encounter/e",
        "urn:uuid:11111111-1111-4111-8111-111111111111",
    )
    (folder / "b.json").write_text(
        bundle(observation, encounter, unique(folder), kind="transaction", urls=urls)
    )
    loaded = {
        item.reference.split("/")[0]: item.reference
        for item in twice(folder / "b.json", settings, ehr)
    }
    stands = read(ehr, loaded["Observation"])
    assert stands["subject"]["reference"] == loaded["Patient"]
    assert stands["encounter"]["reference"] == loaded["Encounter"]
    assert read(ehr, loaded["Encounter"])["subject"]["reference"] == loaded["Patient"]


def test_references_between_files_are_followed(folder: Path, settings: Settings, ehr: Ehr) -> None:
    (folder / "a.json").write_text(
        json.dumps(
            {
                "resourceType": "Condition",
                "id": "c",
                "code": {"text": "cough"},
                "subject": {"reference": "Patient/p"},
            }
        )
    )
    (folder / "b.json").write_text(json.dumps(unique(folder)))
    patient, condition = twice(folder, settings, ehr)
    assert read(ehr, condition.reference)["subject"]["reference"] == patient.reference


def test_a_circle_is_made_in_one_step_and_known_afterwards(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p"},
    }
    encounter["diagnosis"] = [{"condition": {"reference": "Condition/c"}}]
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "code": {"text": "cough"},
        "subject": {"reference": "Patient/p"},
    }
    condition["encounter"] = {"reference": "Encounter/e"}
    follows = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "t"},
        "subject": {"reference": "Patient/p"},
    }
    follows["encounter"] = {"reference": "Encounter/e"}
    (folder / "b.json").write_text(bundle(follows, encounter, condition, unique(folder)))
    loaded = {item.reference.split("/")[0]: item.reference for item in twice(folder, settings, ehr)}
    assert (
        read(ehr, loaded["Encounter"])["diagnosis"][0]["condition"]["reference"]
        == loaded["Condition"]
    )
    assert read(ehr, loaded["Condition"])["encounter"]["reference"] == loaded["Encounter"]
    assert read(ehr, loaded["Observation"])["encounter"]["reference"] == loaded["Encounter"]


def test_types_that_an_ehr_cannot_search_by_identifier_are_known_the_second_time_all_the_same(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    goal = {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "walk"},
        "subject": {"reference": "Patient/p"},
    }
    risk = {
        "resourceType": "RiskAssessment",
        "status": "final",
        "subject": {"reference": "Patient/p"},
    }
    letter = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"text": "letter"},
        "title": "letter",
        "date": "2026-01-01",
    }
    letter |= {
        "subject": {"reference": "Patient/p"},
        "author": [{"reference": "Patient/p"}],
    }  # its identifier is one object, not a list
    (folder / "b.json").write_text(bundle(unique(folder), goal, risk, letter))
    assert len(twice(folder, settings, ehr)) == 4
