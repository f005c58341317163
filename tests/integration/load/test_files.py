"""Load: files."""

import json
from pathlib import Path

import pydicom
import pytest

from services.load.patient import load_patient
from shared.ehr.client import Ehr
from shared.errors import InvalidInput
from shared.settings import Settings
from tests.integration.load.support import (
    BROKEN,
    FILM,
    PATIENT,
    bundle,
    read,
    refused,
    twice,
    unique,
)


def test_a_binary_travels_inside_its_document(folder: Path, settings: Settings, ehr: Ehr) -> None:
    binary = {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": "aGVsbG8="}
    note = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": "Patient/p"},
    }
    note["content"] = [{"attachment": {"contentType": "text/plain", "url": "Binary/b"}}]
    (folder / "b.json").write_text(bundle(unique(folder), binary, note))
    document = read(ehr, twice(folder, settings, ehr)[1].reference)
    assert ehr.attachment(document["content"][0]["attachment"], 100) == b"hello"


def test_what_cannot_be_known_again_is_left_out_and_said(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": "Patient/p"}],
        "recorded": "2026-01-01T00:00:00Z",
        "agent": [{}],
    }
    (folder / "b.json").write_text(bundle(unique(folder), provenance))
    (folder / "scan.pdf").write_bytes(b"%PDF")
    told: list[str] = []
    assert len(load_patient(folder, settings, ehr, told.append)) == 1
    assert ["scan.pdf" in told[0], "Provenance" in told[1], len(told)] == [True, True, 2]


def test_films_of_several_studies_are_announced_one_by_one_and_need_no_file_ending(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    (folder / "b.json").write_text(json.dumps(unique(folder)))
    for n in range(3):
        film = pydicom.dcmread(FILM)
        film.StudyInstanceUID = f"2.25.{abs(hash(folder))}{n % 2}"
        film.SeriesInstanceUID = film.StudyInstanceUID + f".{n}"
        film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = (
            film.StudyInstanceUID + f".{n}.1"
        )
        film.save_as(folder / f"IM{n}")
    _, *studies = twice(folder, settings, ehr)
    assert sorted(read(ehr, s.reference)["numberOfInstances"] for s in studies) == [1, 2]


@pytest.mark.parametrize("story", BROKEN)
def test_what_is_wrong_is_named_and_nothing_is_written(
    story: str, folder: Path, settings: Settings, ehr: Ehr
) -> None:
    contents, said = BROKEN[story]
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    message = refused(folder, settings.model_copy(update={"genomics_max_vcf_bytes": 1000}), ehr)
    assert [part for part in said if part not in message] == [], message
    assert "Canary" not in message


def test_an_unreadable_file_is_named(folder: Path, settings: Settings, ehr: Ehr) -> None:
    (folder / "b.json").write_text(json.dumps(PATIENT))
    (folder / "n.txt").symlink_to(folder / "gone.txt")
    assert "n.txt: can't be read" in refused(folder, settings, ehr)


def test_a_single_file_that_is_no_json_is_refused(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    (folder / "n.txt").write_text("cough")
    with pytest.raises(InvalidInput, match="must be a Bundle in"):
        load_patient(folder / "n.txt", settings, ehr)
