"""Imaging: gather."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from services.imaging import gather, tags
from services.imaging.service import accepts
from shared.dicom.pixels import NOT_GREY
from shared.dicom.store import open_pacs
from shared.errors import InvalidInput, NotAnalysed, NotYet, Withdrawn
from shared.events import ResourceEvent
from shared.fhir.codes import DCM
from shared.json import Json
from shared.settings import Settings
from tests.films import another, film
from tests.unit.imaging.support import CHILD_FILM, EVENT, WOMAN, Record, found, gathered, study_of


@pytest.mark.parametrize(
    ("changes", "accepted"),
    [
        ({}, True),
        ({"status": "registered"}, True),
        ({"status": "entered-in-error"}, True),
        ({"codes": (f"{DCM}|DX",)}, True),
        ({"codes": (f"{DCM}|CT",)}, False),
        ({"codes": ()}, False),
        ({"codes": (), "action": "delete"}, True),
        ({"focus": "DiagnosticReport/1"}, False),
    ],
)
def test_accepts_radiographs_and_withdrawals(changes: dict[str, Any], accepted: bool) -> None:
    values = {
        "focus": "ImagingStudy/1",
        "version": "1",
        "action": "create",
        "codes": (f"{DCM}|CR",),
    }
    assert accepts(ResourceEvent(**(values | changes))) is accepted


def test_the_real_film_is_analysed(tmp_path: Path) -> None:
    inputs = found(gathered(tmp_path, film()))
    assert (inputs.subject, inputs.film.view, inputs.frontal, inputs.lateral) == (
        "Patient/1",
        "PA",
        1,
        0,
    )
    assert inputs.sources == {"ImagingStudy/1": "7", "Patient/1": "4"}


@pytest.mark.parametrize(
    "patient", [{}, {"birthDate": "1940"}, {"birthDate": "1940-03"}, {"gender": "other"}], ids=str
)
def test_a_record_that_says_less_does_not_contradict(tmp_path: Path, patient: Json) -> None:
    assert gathered(
        tmp_path,
        film(),
        patient={k: v for k, v in WOMAN.items() if k not in ("birthDate", "gender")} | patient,
    )


@pytest.mark.parametrize(
    "edited",
    [
        {"BodyPartExamined": "HAND"},
        {"BodyPartExamined": None, "AnatomicRegionSequence": Sequence([Dataset()])},
    ],
)
def test_a_hand_leaves_no_trace(tmp_path: Path, edited: dict[str, Any]) -> None:
    if "AnatomicRegionSequence" in edited:
        edited["AnatomicRegionSequence"][0].CodeValue = "85562004"  # hand
    assert gathered(tmp_path, film(**edited)) is None


def test_a_ct_leaves_no_trace(tmp_path: Path) -> None:
    assert gathered(tmp_path, film(Modality="CT")) is None


@pytest.mark.parametrize(
    ("edited", "patient", "reason"),
    [
        (CHILD_FILM, {"birthDate": "1999-01-01"}, tags.CHILD),
        ({"PatientAge": "017Y", "PatientBirthDate": ""}, {"birthDate": None}, tags.CHILD),
        ({"PatientAge": "200M", "PatientBirthDate": ""}, {"birthDate": None}, tags.CHILD),
        ({"PatientAge": "017Y"}, {}, tags.AGE_CONTRADICTS),
        ({"PatientAge": "064Y"} | CHILD_FILM, {"birthDate": "1999-01-01"}, tags.AGE_CONTRADICTS),
        ({"PatientBirthDate": ""}, {"birthDate": None}, tags.AGE_UNKNOWN),
        ({"PatientBirthDate": ""}, {"birthDate": "1986"}, tags.CHILD),  # may have been 17
        ({"StudyDate": ""}, {}, tags.AGE_UNKNOWN),
        ({"PatientBirthDate": "20050101"}, {"birthDate": "2005-01-01"}, tags.AGE_UNKNOWN),
        ({}, {"birthDate": "1941-03-05"}, tags.BIRTH_DATE_DIFFERS),
        ({}, {"gender": "male"}, tags.SEX_DIFFERS),
        ({"ViewPosition": "LL"}, {}, gather.NO_FRONTAL),
        ({"ViewPosition": "LLD"}, {}, gather.NO_FRONTAL),
        ({"ViewPosition": "", "PatientOrientation": None}, {}, gather.VIEW_UNKNOWN),
        ({"ViewPosition": "", "PatientOrientation": ["A", "F"]}, {}, gather.VIEW_UNKNOWN),
        ({"BodyPartExamined": "", "StudyDescription": ""}, {}, gather.PART_UNKNOWN),
        ({"PhotometricInterpretation": "RGB"}, {}, NOT_GREY),
        ({"PresentationIntentType": "FOR PROCESSING"}, {}, gather.UNPROCESSED),
        ({"NumberOfFrames": "2"}, {}, gather.SEVERAL_FRAMES),
    ],
)
def test_outside_the_domain_it_abstains_with_a_reason(
    tmp_path: Path, edited: dict[str, Any], patient: Json, reason: str
) -> None:
    with pytest.raises(NotAnalysed) as refusal:
        gathered(
            tmp_path,
            film(**edited),
            patient={k: v for k, v in (WOMAN | patient).items() if v is not None},
        )
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("edited", "view"),
    [
        ({"ViewPosition": "AP"}, "AP"),
        ({"ViewPosition": ""}, "frontal"),
        (
            {
                "ViewPosition": "",
                "PatientOrientation": None,
                "SeriesDescription": "Thorax ap liegend",
            },
            "AP",
        ),
        ({"ViewPosition": "", "BodyPartExamined": "", "PatientAge": "064Y"}, "frontal"),
    ],
)
def test_other_tags_tell_view_and_body_part(
    tmp_path: Path, edited: dict[str, Any], view: str
) -> None:
    assert found(gathered(tmp_path, film(**edited))).film.view == view


def test_of_two_views_the_frontal_one_is_read(tmp_path: Path) -> None:
    inputs = found(
        gathered(tmp_path, another(ViewPosition="LL"), film(), another(ViewPosition="AP"))
    )
    assert (inputs.film.view, inputs.frontal, inputs.lateral) == ("PA", 2, 1)


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_a_withdrawn_study_is_retracted(tmp_path: Path, status: str) -> None:
    with pytest.raises(Withdrawn):
        gathered(tmp_path, film(), study=study_of(film(), status=status))


def test_a_deleted_study_is_retracted(tmp_path: Path) -> None:
    with pytest.raises(Withdrawn):
        # reads alone
        gather.gather(EVENT, Record(WOMAN), Settings(state_dir=tmp_path))  # type: ignore[arg-type]


def test_films_that_are_not_there_are_waited_for(tmp_path: Path) -> None:
    with pytest.raises(NotYet):
        gathered(tmp_path, study=study_of(film()))
    with pytest.raises(NotYet):
        gathered(tmp_path, film(), study=study_of(film(), another(ViewPosition="LL")))
    assert gathered(
        tmp_path, another(ViewPosition="LL"), study=study_of(film(), another(ViewPosition="LL"))
    )


def test_a_patient_who_is_not_there_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(NotYet):
        gathered(tmp_path, film(), patient=None)


def test_a_study_that_lists_no_series_is_asked_of_the_pacs(tmp_path: Path) -> None:
    listed = study_of(film())
    bare = {k: v for k, v in listed.items() if k != "series"}
    assert (
        found(gathered(tmp_path, film(), study=bare)).content
        == found(gathered(tmp_path, film(), study=listed)).content
    )


def test_a_study_without_a_uid_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no DICOM study UID"):
        gathered(tmp_path, film(), study=study_of(film(), identifier=[]))


def test_another_studys_film_is_refused(tmp_path: Path) -> None:
    """A PACS that answers with somebody else's film."""
    strange = film(StudyInstanceUID="1.2.3")
    folder = (
        tmp_path
        / "pacs"
        / "studies"
        / film().StudyInstanceUID
        / "series"
        / film().SeriesInstanceUID
    )
    open_pacs(Settings(state_dir=tmp_path / "other")).store([strange])
    shutil.copytree(
        tmp_path / "other" / "pacs" / "studies" / "1.2.3" / "series" / film().SeriesInstanceUID,
        folder,
    )
    with pytest.raises(InvalidInput, match="StudyInstanceUID"):
        gathered(tmp_path, study=study_of(film()))


def test_a_truncated_film_is_refused(tmp_path: Path) -> None:
    gathered(tmp_path, film())
    path = next(p for p in (tmp_path / "pacs").rglob("*") if p.is_file())
    path.write_bytes(path.read_bytes()[:200_000])
    with pytest.raises(InvalidInput):
        gathered(tmp_path, study=study_of(film()))
