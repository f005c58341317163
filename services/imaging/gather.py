"""An ImagingStudy event -> the chest film to analyse.

Reads the study and its patient, fetches the films, checks the model's domain.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from pydicom import Dataset

from services.imaging import codes, tags
from services.imaging.domain import Film, Inputs, View
from services.imaging.preprocess import standardise
from shared.answers import digest
from shared.dicom.endpoint import address_of
from shared.dicom.parse import check_identity
from shared.dicom.pixels import NOT_GREY, grey
from shared.dicom.store import open_pacs
from shared.dicom.study import started, study_uid
from shared.ehr.client import Ehr
from shared.errors import InvalidInput, NoPatient, NotAnalysed, NotYet, Withdrawn
from shared.events import ResourceEvent
from shared.fhir.codes import DCM, has_code
from shared.fhir.times.stated import study_time
from shared.json import Json
from shared.references import is_a, relative, version_of, why_nobody
from shared.settings import Settings

MAX_FILMS: Final = 64
WITHDRAWN: Final = ("cancelled", "entered-in-error")
NO_PATIENT: Final = "The imaging study names no patient."
NO_UID: Final = "The imaging study carries no DICOM study UID."
OTHER_STUDY: Final = "A film belongs to another study, by its StudyInstanceUID."
TOO_MANY: Final = f"The study has more than {MAX_FILMS} films."
PART_UNKNOWN: Final = (
    "The body part can't be told from the film's tags; the model reads chest films only."
)
NO_FRONTAL: Final = "The study has no frontal view (PA or AP); the model reads frontal views only."
VIEW_UNKNOWN: Final = (
    "The view can't be told from the film's tags; the model reads PA and AP views only."
)
UNPROCESSED: Final = "The study has raw films only (for processing), and none for presentation."
SEVERAL_FRAMES: Final = "The film has more than one frame."


def gather(event: ResourceEvent, ehr: Ehr, settings: Settings) -> Inputs | None:
    """The film; None where the study holds no film of a chest.

    Raises:
        Withdrawn: gone, cancelled or entered in error.
        NotYet: films that were announced are not in the PACS yet, or the Patient not in the EHR.
        NotAnalysed: outside the model's domain. InvalidInput: malformed. Unavailable: EHR or PACS.
    """
    study = ehr.read(event.focus)
    if study is None or study.get("status") in WITHDRAWN:
        raise Withdrawn(event.focus)
    if not any(has_code(m, DCM, *codes.MODALITIES) for m in _modalities(study)):
        return None
    subject = relative(str(study.get("subject", {}).get("reference", "")))
    if not is_a(subject, "Patient"):
        raise NoPatient(why_nobody(subject, NO_PATIENT))
    films = list(_films(study, ehr, settings))
    chest = chest_films(films, study)
    if not chest:
        return None
    patient = ehr.read(subject)
    if patient is None:
        raise NotYet("the Patient is not in the EHR")
    for film in chest:
        tags.check_person(film, patient)
        tags.check_adult(film, patient)
    frontal, lateral = views_of(chest)
    return Inputs(
        subject=subject,
        study=study,
        film=film_of(*frontal[0]),
        frontal=len(frontal),
        lateral=lateral,
        content=content_of(films),
        sources={
            r: version_of(resource) for r, resource in ((event.focus, study), (subject, patient))
        },
        effective=study_time(study) or started(frontal[0][0]),
    )


def _modalities(study: Json) -> Iterator[Any]:
    yield study.get("modality")
    for series in study.get("series", []):
        yield series.get("modality")


def _films(study: Json, ehr: Ehr, settings: Settings) -> Iterator[Dataset]:
    """Every image of the study's CR and DX series."""
    uid = study_uid(study)
    if not uid:
        raise InvalidInput(NO_UID)
    count = 0
    for series, announced, address in _series(study, uid, ehr, settings):
        found = open_pacs(settings, address).retrieve_series(uid, series)
        if len(found) < announced:
            raise NotYet(f"{len(found)} of {announced} instances of a series")
        for dataset in found:
            if check_identity(dataset)[0] != uid:
                raise InvalidInput(OTHER_STUDY)
            if (
                dataset.get("Modality") in codes.MODALITIES and "Rows" in dataset
            ):  # what careloop stored itself is SEG or SR
                count += 1
                if count > MAX_FILMS:
                    raise NotAnalysed(TOO_MANY)
                yield dataset


def _series(
    study: Json, uid: str, ehr: Ehr, settings: Settings
) -> Iterator[tuple[str, int, str | None]]:
    """Yield (Series Instance UID, instances announced, Endpoint address).

    One for each CR or DX series; the PACS is asked where the study lists none.
    """
    address = address_of(study, ehr)
    listed = study.get("series", [])
    for series in listed:
        if has_code(series.get("modality"), DCM, *codes.MODALITIES):
            yield (
                str(series.get("uid", "")),
                int(series.get("numberOfInstances", 1)),
                address_of(series, ehr) or address,
            )
    if not listed:
        for found, modality in open_pacs(settings, address).list_series(uid):
            if modality in codes.MODALITIES:
                yield found, 1, address


def chest_films(films: Sequence[Dataset], study: Json) -> list[Dataset]:
    """The films of a chest.

    Raises NotAnalysed where none is known to be one and some might be.
    """
    listed = {str(s.get("uid")): s for s in study.get("series", [])}
    parts = [tags.body_part(film, listed.get(str(film.SeriesInstanceUID), {})) for film in films]
    chest = [film for film, part in zip(films, parts, strict=True) if part == "chest"]
    if not chest and None in parts:
        raise NotAnalysed(PART_UNKNOWN)
    return chest


def views_of(chest: Sequence[Dataset]) -> tuple[list[tuple[Dataset, View]], int]:
    """(frontal films for presentation, the one to analyse first.

    Number of lateral films).

    PA before AP, a later one before an earlier one.
    """
    views = [(film, tags.view(film)) for film in chest]
    frontal: list[tuple[Dataset, View]] = [
        (film, view) for film, view in views if view in ("PA", "AP", "frontal")
    ]
    if not frontal:
        raise NotAnalysed(VIEW_UNKNOWN if any(view is None for _, view in views) else NO_FRONTAL)
    shown = [
        (film, view)
        for film, view in frontal
        if film.get("PresentationIntentType") != "FOR PROCESSING"
    ]
    if not shown:
        raise NotAnalysed(UNPROCESSED)
    latest_first = sorted(shown, key=lambda pair: _taken(pair[0]), reverse=True)
    ordered = sorted(latest_first, key=lambda pair: ("PA", "AP", "frontal").index(pair[1]))
    return ordered, sum(view == "lateral" for _, view in views)


def _taken(film: Dataset) -> tuple[str, ...]:
    return (
        *(tags.text(film, name) for name in ("AcquisitionDate", "AcquisitionTime", "ContentTime")),
        str(film.SOPInstanceUID),
    )


def film_of(dataset: Dataset, view: View) -> Film:
    if tags.text(dataset, "NumberOfFrames") not in ("", "0", "1"):
        raise NotAnalysed(SEVERAL_FRAMES)
    if not tags.text(dataset, "PhotometricInterpretation").startswith("MONOCHROME"):
        raise NotAnalysed(NOT_GREY)
    return Film(str(dataset.SOPInstanceUID), view, standardise(grey(dataset)))


def content_of(films: Iterable[Dataset]) -> str:
    """What is analysed: SOP Instance UIDs and pixels.

    Whatever else was edited in the headers or the record.
    """
    parts = sorted(
        (str(film.SOPInstanceUID), hashlib.sha256(_pixels(film)).hexdigest()) for film in films
    )
    return digest([part for pair in parts for part in pair])


def _pixels(film: Dataset) -> bytes:
    """PixelData as it is stored.

    Nothing where it is absent, empty or of a text's type: only the film that is analysed must have
    pixels.
    """
    stored = film.get("PixelData")
    return stored if isinstance(stored, bytes) else b""
