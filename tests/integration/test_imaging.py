"""Imaging against real parts: films through Orthanc (STOW, QIDO, WADO), and the straight line into
a real EHR.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import JPEG2000Lossless, RLELossless

from services.imaging.service import SERVICE
from shared.dicom.store import Pacs, open_pacs
from shared.dicom.study import imaging_studies
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.errors import InvalidInput, NotYet, Unavailable
from shared.events import ResourceEvent
from shared.fhir.codes import DCM
from shared.json import Json
from shared.runtime.line import Case, Line, at_ehr
from shared.settings import Settings
from tests.films import another, film
from tests.orthanc import MISSING, PASSWORD, USER, Orthanc, installed, orthanc
from tests.peers import sekmet

pytestmark = pytest.mark.orthanc


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    if not installed():
        pytest.skip(MISSING)
    with orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        yield running


@pytest.fixture
def pacs(server: Orthanc) -> Pacs:
    return open_pacs(
        Settings(dicomweb_url=server.url, dicomweb_username=USER, dicomweb_password=PASSWORD)
    )


def test_a_film_comes_back_from_the_pacs_as_it_went_in(pacs: Pacs) -> None:
    one, two = film(), another(ViewPosition="LL")
    pacs.store([one, two])
    pacs.store([one])
    found = pacs.retrieve_series(one.StudyInstanceUID, one.SeriesInstanceUID)
    assert [d.SOPInstanceUID for d in found] == sorted([one.SOPInstanceUID, two.SOPInstanceUID])
    assert {d.PixelData for d in found} == {one.PixelData}
    assert pacs.list_series(one.StudyInstanceUID) == [(one.SeriesInstanceUID, "CR")]
    assert "DICOMweb at http" in pacs.describe()


def test_a_compressed_film_comes_back_compressed(pacs: Pacs) -> None:
    compressed = film(
        StudyInstanceUID="1.2.840.1",
        SeriesInstanceUID="1.2.840.1.1",
        SOPInstanceUID="1.2.840.1.1.1",
    )
    compressed.file_meta.MediaStorageSOPInstanceUID = compressed.SOPInstanceUID
    compressed.compress(RLELossless, generate_instance_uid=False)
    pacs.store([compressed])
    [found] = pacs.retrieve_series("1.2.840.1", "1.2.840.1.1")
    assert found.file_meta.TransferSyntaxUID == RLELossless != JPEG2000Lossless
    assert (found.pixel_array == film().pixel_array).all()


def test_what_is_not_there_is_not_yet_there(pacs: Pacs) -> None:
    with pytest.raises(NotYet):
        pacs.retrieve_series("1.2.3", "1.2.3.4")
    with pytest.raises(NotYet):
        pacs.list_series("1.2.3")


def test_a_wrong_password_is_no_missing_film(server: Orthanc) -> None:
    with pytest.raises(Unavailable, match="pacs"):
        open_pacs(Settings(dicomweb_url=server.url)).retrieve_series("1.2.3", "1.2.3.4")


def test_a_server_that_is_no_pacs_is_refused(server: Orthanc) -> None:
    """Orthanc's own pages answer 404 to DICOMweb paths: nothing is there; HTML with 200 is no
    DICOM.
    """
    with pytest.raises((NotYet, InvalidInput)):
        open_pacs(
            Settings(
                dicomweb_url=server.url.replace("dicom-web", "app"),
                dicomweb_username=USER,
                dicomweb_password=PASSWORD,
            )
        ).list_series("1.2.3")


def test_a_pacs_that_is_down_is_waited_for(tmp_path: Path) -> None:
    if not installed():
        pytest.skip(MISSING)
    with orthanc(tmp_path) as stopped:
        settings = Settings(
            dicomweb_url=stopped.url, dicomweb_username=USER, dicomweb_password=PASSWORD
        )
    with pytest.raises(Unavailable, match="pacs"):
        open_pacs(settings).retrieve_series("1.2.3", "1.2.3.4")


# --- the straight line into a real EHR

EVENT_CODES = (f"{DCM}|CR",)


@pytest.fixture(scope="module")
def ehr_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sekmet(tmp_path_factory.mktemp("sekmet")) as running:
        yield running.base


def announce(ehr: Ehr, *, endpoint: str | None = None, **changes: Any) -> ResourceEvent:
    """The patient and her study in the EHR, and the event that intake would make of it."""
    patient = ehr.create(
        {"resourceType": "Patient", "birthDate": "1940-03-05", "gender": "female"} | changes
    ).reference
    [study] = imaging_studies([film()], patient)
    if endpoint:
        kind = {
            "system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
            "code": "dicom-wado-rs",
        }
        payload = [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/endpoint-payload-type",
                        "code": "any",
                    }
                ]
            }
        ]
        place = {
            "resourceType": "Endpoint",
            "status": "active",
            "connectionType": kind,
            "payloadType": payload,
            "address": endpoint,
        }
        study["endpoint"] = [{"reference": ehr.create(place).reference}]
    written = ehr.create(study)
    return ResourceEvent(
        written.reference,
        written.version,
        "create",
        subject=patient,
        status="available",
        codes=EVENT_CODES,
    )


def straight(settings: Settings, ehr: Ehr, event: ResourceEvent) -> str:
    """One event through the line, as the runtime runs it."""
    line = Line(SERVICE, ehr, model(), settings, at_ehr(ehr))
    case = line.take(event)
    if not isinstance(case, Case):
        return case
    return line.put(case, SERVICE.analyze([case.inputs], line.model)[0])


@pytest.fixture
def opened() -> Iterator[Callable[[Settings], Ehr]]:
    """Opens EHR clients and closes them after the test."""
    with ExitStack() as stack:

        def open_one(settings: Settings) -> Ehr:
            ehr = open_ehr(settings)
            stack.callback(ehr.close)
            return ehr

        yield open_one


@cache
def model() -> Any:
    """Loaded once for all tests."""
    return SERVICE.load(Settings())


@pytest.fixture(params=["folder", "pacs", "endpoint"])
def settings(
    request: pytest.FixtureRequest, ehr_url: str, server: Orthanc, tmp_path: Path
) -> Settings:
    """Where the film is: in the folder, in the PACS of the settings, or where the study's Endpoint
    says (at the PACS's origin).
    """
    if request.param == "folder":
        return Settings(fhir_url=ehr_url, state_dir=tmp_path)
    url = server.url if request.param == "pacs" else server.url.replace("dicom-web", "elsewhere")
    return Settings(
        fhir_url=ehr_url,
        state_dir=tmp_path,
        dicomweb_url=url,
        dicomweb_username=USER,
        dicomweb_password=PASSWORD,
    )


def test_a_film_becomes_a_report_once(
    settings: Settings,
    server: Orthanc,
    opened: Callable[[Settings], Ehr],
    hl7_errors: Callable[[Json], list[str]],
) -> None:
    ehr = opened(settings)
    elsewhere = settings.dicomweb_url is not None and settings.dicomweb_url != server.url
    stored = Settings(
        state_dir=settings.state_dir,
        dicomweb_url=settings.dicomweb_url and server.url,
        dicomweb_username=USER,
        dicomweb_password=PASSWORD,
    )
    open_pacs(stored).store([film()])
    event = announce(ehr, endpoint=server.url if elsewhere else None)
    assert straight(settings, ehr, event) == "result"
    assert straight(settings, ehr, event) == "unchanged"
    [report] = list(
        ehr.search("DiagnosticReport", {"subject": str(event.subject)}, subject=event.subject)
    )
    assert report["imagingStudy"] == [{"reference": event.focus}]
    [finding] = [ehr.read(item["reference"]) for item in report["result"]]
    [media] = [ehr.read(item["link"]["reference"]) for item in report["media"]]
    for resource in (report, finding, media):
        assert resource is not None
        assert hl7_errors(resource) == []


def test_another_persons_film_is_visibly_not_analysed(
    ehr_url: str, tmp_path: Path, opened: Callable[[Settings], Ehr]
) -> None:
    settings = Settings(fhir_url=ehr_url, state_dir=tmp_path)
    ehr = opened(settings)
    open_pacs(settings).store([film()])
    event = announce(ehr, birthDate="1971-01-01")
    assert straight(settings, ehr, event) == "not_analysed"
    [task] = list(ehr.search("Task", {"patient": str(event.subject)}, subject=event.subject))
    assert task["status"] == "rejected"
    assert "birth date" in task["statusReason"]["text"]
