"""What the tests of imaging share."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydicom import Dataset

from services.imaging import gather
from services.imaging.domain import Findings, Inputs
from services.imaging.model import SHIPPED, ChestModel
from services.imaging.preprocess import standardise
from services.imaging.resources import resources
from shared.answers import Answer
from shared.dicom.pixels import grey
from shared.dicom.store import open_pacs
from shared.dicom.study import imaging_studies
from shared.events import ResourceEvent
from shared.fhir.codes import DCM, ENDPOINT_CONNECTION, coding
from shared.fhir.drafts import Draft, Pen
from shared.json import Json
from shared.settings import Settings

EVENT = ResourceEvent(
    "ImagingStudy/1", "1", "create", subject="Patient/1", status="available", codes=(f"{DCM}|CR",)
)


WOMAN = {
    "resourceType": "Patient",
    "id": "1",
    "meta": {"versionId": "4"},
    "birthDate": "1940-03-05",
    "gender": "female",
}


class Record:
    """The outermost seam: an EHR that holds these resources and can only be read."""

    def __init__(self, *resources: Json) -> None:
        self._held = {f"{r['resourceType']}/{r['id']}": r for r in resources}

    def read(self, reference: str) -> Json | None:
        return self._held.get(reference)


def study_of(*films: Dataset, **elements: Any) -> Json:
    [study] = imaging_studies(films, "Patient/1")
    return study | {"id": "1", "meta": {"versionId": "7"}} | elements


def gathered(
    state: Path,
    *films: Dataset,
    patient: Json | None = WOMAN,
    study: Json | None = None,
    event: ResourceEvent = EVENT,
    **settings: Any,
) -> Inputs | None:
    """What gather makes of these films in the folder PACS."""
    options = Settings(state_dir=state, **settings)
    open_pacs(Settings(state_dir=state)).store(films)
    return gather.gather(
        event, Record(*filter(None, (study or study_of(*films), patient))), options
    )  # type: ignore[arg-type]  # reads alone


def found(inputs: Inputs | None) -> Inputs:
    assert inputs is not None
    return inputs


CHILD_FILM = {"PatientBirthDate": "19990101"}


def endpoint(
    address: str, logical_id: str = "e", connection: str = "dicom-wado-rs", status: str = "active"
) -> Json:
    kind = coding(ENDPOINT_CONNECTION, connection)
    return {
        "resourceType": "Endpoint",
        "id": logical_id,
        "status": status,
        "connectionType": kind,
        "address": address,
    }


def probability(model: ChestModel, dataset: Dataset) -> float:
    return model.predict(standardise(grey(dataset))[None])[0].probability


def altered(tmp_path: Path, **config: Any) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(SHIPPED, folder)
    said = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(said | config))
    return folder


def drafts_of(inputs: Inputs, findings: Findings) -> Mapping[str, Draft]:
    devices, titles = (
        {"chest-pneumonia": "Device/1"},
        {"chest-pneumonia": "careloop chest model 1.0.0"},
    )
    pen = Pen(
        Answer("imaging", inputs.reference),
        1,
        inputs.subject,
        "2026-01-01T00:00:00Z",
        devices,
        titles,
    )
    return {draft.key: draft for draft in resources(inputs, findings, pen)}
