"""What a film's own tags say: body part, view, age, whose it is (DICOM PS3.3.

Pure).

Nothing is guessed: absent is None.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal, cast

from pydicom import Dataset

from services.imaging import codes
from services.imaging.domain import ADULT_YEARS
from shared.errors import NotAnalysed

Part = Literal["chest", "other"]
Seen = Literal["PA", "AP", "frontal", "lateral", "other"]

CHILD: Final = (
    "The patient was not an adult when the film was taken; the model was trained on adults only."
)
AGE_UNKNOWN: Final = (
    "The patient's age can't be told from the film or the record; the model was "
    "trained on adults only."
)
AGE_CONTRADICTS: Final = "The age and the birth date in the film contradict each other."
BIRTH_DATE_DIFFERS: Final = (
    "The birth date in the film and in the record differ: is it the same person?"
)
SEX_DIFFERS: Final = "The sex in the film and in the record differ: is it the same person?"
TEXTS: Final = (
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "PerformedProcedureStepDescription",
    "AcquisitionDeviceProcessingDescription",
)
GENDERS: Final = {"M": "male", "F": "female"}
UNITS: Final = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}  # how many make a year


def text(dataset: Dataset, name: str) -> str:
    """The value of a tag as text, empty where it is absent."""
    value = dataset.get(name)
    return "" if value is None else str(value).strip()


def texts(dataset: Dataset) -> list[str]:
    """What people and devices wrote about the study and the series."""
    return [found for name in TEXTS if (found := text(dataset, name))]


def items(dataset: Dataset, name: str) -> Iterable[Dataset]:
    """The items of a sequence, none where it is absent or no sequence."""
    value = dataset.get(name)
    return (
        [item for item in value if isinstance(item, Dataset)]
        if isinstance(value, Iterable) and not isinstance(value, str)
        else []
    )


def body_part(dataset: Dataset, series: Mapping[str, Any]) -> Part | None:
    """BodyPartExamined, else AnatomicRegionSequence.

    Else the record's `series.bodySite`; free text can only say that it is the chest.

    Args:
        dataset: a film.
        series: its ImagingStudy.series, {} without one.
    """
    if part := text(dataset, "BodyPartExamined"):
        return "chest" if part.upper() in codes.CHEST_PARTS else "other"
    regions = [text(item, "CodeValue") for item in items(dataset, "AnatomicRegionSequence")]
    regions += [str(series["bodySite"]["code"])] if "code" in series.get("bodySite", {}) else []
    if regions:
        return "chest" if codes.CHEST_REGIONS & set(regions) else "other"
    return "chest" if any(codes.CHEST_WORDS.search(found) for found in texts(dataset)) else None


def view(dataset: Dataset) -> Seen | None:
    """ViewPosition, else ViewCodeSequence, else a word in the descriptions.

    Else PatientOrientation (which can't tell PA from AP).
    """
    if position := text(dataset, "ViewPosition"):
        return _view_of(re.findall(r"[A-Z]+", position.upper())) or "other"
    for item in items(dataset, "ViewCodeSequence"):
        meaning = text(item, "CodeMeaning")
        named = next(
            (name for name, pattern in codes.MEANINGS.items() if pattern.search(meaning)), "other"
        )
        return cast(Seen, named)
    words = [word for found in texts(dataset) for word in re.findall(r"[A-Z]+", found.upper())]
    if found := _view_of(words):
        return found
    orientation = dataset.get("PatientOrientation")
    return (
        "frontal"
        if orientation and [str(o) for o in orientation] in codes.FRONTAL_ORIENTATIONS
        else None
    )


def _view_of(words: Sequence[str]) -> Seen | None:
    """The one view that the words name; None where they name none, or several."""
    named = set(words) & set(codes.FRONTAL) | ({"lateral"} if codes.LATERAL & set(words) else set())
    return cast(Seen, named.pop()) if len(named) == 1 else None


def day(value: str) -> date | None:
    """A DICOM DA value."""
    try:
        return datetime.strptime(value, "%Y%m%d").date()
    except ValueError:
        return None


def stated_age(dataset: Dataset) -> float | None:
    """PatientAge in years (PS3.5 AS: 064Y, 018M)."""
    found = re.fullmatch(r"(\d{3})([DWMY])", text(dataset, "PatientAge"))
    return int(found[1]) / UNITS[found[2]] if found else None


def years(birth: date, at: date) -> int:
    """Full years between two days."""
    return at.year - birth.year - ((at.month, at.day) < (birth.month, birth.day))


def check_adult(dataset: Dataset, patient: Mapping[str, Any]) -> None:
    """PatientAge; or PatientBirthDate, else the record's birthDate, at StudyDate.

    Raises:
        NotAnalysed: a child, an unknown age, or two ages of which one is a child's.
    """
    taken = day(text(dataset, "StudyDate"))
    birth = day(text(dataset, "PatientBirthDate")) or latest_birth(
        str(patient.get("birthDate", ""))
    )
    derived = years(birth, taken) if birth and taken else None
    stated = stated_age(dataset)
    ages = [age for age in (stated, derived) if age is not None]
    if not ages or min(ages) < 0:
        raise NotAnalysed(AGE_UNKNOWN)
    grown = {age >= ADULT_YEARS for age in ages}
    if len(grown) == 2:
        raise NotAnalysed(AGE_CONTRADICTS)
    if grown == {False}:
        raise NotAnalysed(CHILD)


def latest_birth(value: str) -> date | None:
    """The last day that a FHIR date may mean.

    A year alone makes nobody older than they are.
    """
    complete = {4: f"{value}-12-31", 7: f"{value}-28", 10: value}.get(len(value), "")
    try:
        return date.fromisoformat(complete)
    except ValueError:
        return None


def check_person(dataset: Dataset, patient: Mapping[str, Any]) -> None:
    """The film's patient and the record's do not contradict each other.

    Where both say something.

    Raises:
        NotAnalysed: birth date or sex differ.
    """
    birth, recorded = day(text(dataset, "PatientBirthDate")), str(patient.get("birthDate", ""))
    if birth and recorded and not birth.isoformat().startswith(recorded):
        raise NotAnalysed(BIRTH_DATE_DIFFERS)
    sex, gender = GENDERS.get(text(dataset, "PatientSex")), patient.get("gender")
    if sex and gender in GENDERS.values() and sex != gender:
        raise NotAnalysed(SEX_DIFFERS)
