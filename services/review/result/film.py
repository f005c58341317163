"""The film beneath a heat map.

Fetched from the PACS when somebody looks at the result, and kept for a few minutes.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from pydicom import Dataset

from services.review import present
from services.review.result.result import Result
from shared.dicom.endpoint import address_of
from shared.dicom.parse import check_identity
from shared.dicom.pixels import film_png
from shared.dicom.store import open_pacs
from shared.dicom.study import study_uid
from shared.ehr.client import Ehr
from shared.errors import CareloopError, NotYet, Unavailable
from shared.fhir import codes
from shared.json import Json
from shared.settings import Settings

log = logging.getLogger(__name__)
KEEP_SEC: Final = 300.0
RETRY_SEC: Final = 15.0  # a PACS that is away is not asked again by every look at the page
KEPT: Final = 16
WAIT_SEC: Final = 10.0  # a clinician waits: the map alone comes first
FILMS: Final = ("CR", "DX")
LATERAL: Final = frozenset(
    {"LL", "RL", "LLD", "RLD", "LATERAL", "LAT"}
)  # ViewPosition, PS3.3 C.8.1.1.1
NO_STUDY: Final = (
    "The film can't be shown: the record no longer has the imaging study, or it names none."
)
AWAY: Final = (
    "The film can't be shown now: the image archive does not answer. Reload the page in "
    "a moment. The heat map alone is below."
)
NOT_THERE: Final = (
    "The film can't be shown: the image archive does not have it. The heat map alone is below."
)
UNREADABLE: Final = "The film can't be shown: its file can't be read. The heat map alone is below."
SEVERAL: Final = (
    "The study has several films and the result does not say which one was analysed, "
    "so none is laid under the heat map."
)


@dataclass(frozen=True)
class Film:
    """A film as PNG; where there is none, `problem` says why, for the clinician."""

    png: bytes = field(default=b"", repr=False)
    problem: str = ""


@dataclass
class FilmShelf:
    """The last few films, by the version of the head they belong to.

    Safe between threads.
    """

    films: OrderedDict[str, tuple[float, Film]] = field(default_factory=OrderedDict, repr=False)
    lock: Lock = field(default_factory=Lock, repr=False)

    def get(self, key: str) -> Film | None:
        """The film, unless it has been here too long."""
        with self.lock:
            until, film = self.films.get(key, (0.0, Film()))
            return film if until > time.monotonic() else None

    def put(self, key: str, film: Film) -> None:
        """Keep it; the oldest make room."""
        with self.lock:
            self.films[key] = (time.monotonic() + (RETRY_SEC if film.problem else KEEP_SEC), film)
            self.films.move_to_end(key)
            while len(self.films) > KEPT:
                self.films.popitem(last=False)


def film_of(ehr: Ehr, settings: Settings, shelf: FilmShelf, result: Result) -> Film:
    """The film that the result is about. Never raises for a film that can't be had."""
    key = f"{result.head.reference} {result.head.version}"
    film = shelf.get(key)
    if film is None:
        film = _fetched(result.at(ehr), settings, result)
        shelf.put(key, film)
    return film


def _fetched(ehr: Ehr, settings: Settings, result: Result) -> Film:
    study = next((r for r in result.sources if r["resourceType"] == "ImagingStudy"), None)
    if study is None or not study_uid(study):
        return Film(problem=NO_STUDY)
    try:
        shown = analysed_film(
            list(_films(ehr, settings.model_copy(update={"fhir_timeout_sec": WAIT_SEC}), study)),
            result.outputs,
        )
        return Film(film_png(shown)) if shown else Film(problem=SEVERAL)
    except Unavailable as error:
        log.warning("review: %s is not available for a film", error.dependency)
        return Film(problem=AWAY)
    except NotYet:
        return Film(problem=NOT_THERE)
    except CareloopError as error:
        log.warning("review: a film can't be shown: %s", type(error).__name__)
        return Film(problem=UNREADABLE)


def _films(ehr: Ehr, settings: Settings, study: Json) -> Iterator[Dataset]:
    """Every radiograph of the study."""
    uid = str(study_uid(study))
    address = address_of(study, ehr)
    listed = [
        (str(s.get("uid", "")), address_of(s, ehr) or address)
        for s in study.get("series", [])
        if codes.has_code(s.get("modality"), codes.DCM, *FILMS)
    ]
    found = listed or [
        (series, address)
        for series, modality in open_pacs(settings, address).list_series(uid)
        if modality in FILMS
    ]
    for series, place in found:
        for dataset in open_pacs(settings, place).retrieve_series(uid, series):
            if (
                check_identity(dataset)[0] == uid
                and dataset.get("Modality") in FILMS
                and "Rows" in dataset
            ):
                yield dataset


def endpoints(study: Json) -> Iterator[str]:
    """Yield the Endpoints of a study and of its series."""
    for element in (study, *study.get("series", [])):
        yield from present.references(element.get("endpoint"))


def analysed_film(films: Sequence[Dataset], outputs: Mapping[str, Json]) -> Dataset | None:
    """The film that the heat map belongs to.

    The one that an output names by SOP Instance UID, else the only one that is not lateral.

    Raises:
        NotYet: the archive has none.
    """
    if not films:
        raise NotYet("no film")
    named = {
        str(i.get("value", "")).removeprefix("urn:oid:")
        for r in outputs.values()
        for i in _identifiers(r)
        if i.get("system") == codes.DICOM_UID
    }
    chosen = [f for f in films if str(f.SOPInstanceUID) in named]
    frontal = chosen or [f for f in films if str(f.get("ViewPosition", "")).upper() not in LATERAL]
    return frontal[0] if len(frontal) == 1 else None


def _identifiers(resource: Mapping[str, Any]) -> list[Any]:
    found = resource.get("identifier", [])
    return found if isinstance(found, list) else [found]
