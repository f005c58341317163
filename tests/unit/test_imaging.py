"""The chest film service from the event to the drafts, on a real film and on edited ones."""

import base64
import hashlib
import json
import shutil
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.sequence import Sequence

from services.imaging import codes, gather, tags
from services.imaging.analyze import analyze
from services.imaging.domain import Findings, Inputs
from services.imaging.model import SHIPPED, ChestModel, load_folder
from services.imaging.preprocess import standardise
from services.imaging.resources import resources
from services.imaging.service import SERVICE, accepts
from shared.answers import Answer
from shared.dicom.pixels import NOT_GREY, grey
from shared.dicom.store import NOT_ALLOWED, open_pacs
from shared.dicom.study import imaging_studies
from shared.errors import InvalidInput, Misconfigured, NotAnalysed, NotYet, Unavailable, Withdrawn
from shared.events import ResourceEvent
from shared.fhir.check import check
from shared.fhir.codes import DCM, ENDPOINT_CONNECTION, RESOURCE, coding
from shared.fhir.drafts import Draft, Pen
from shared.json import Json
from shared.settings import Settings
from tests.films import another, film, twin

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


@pytest.fixture(scope="module")
def model() -> ChestModel:
    return load_folder(SHIPPED, "cpu")


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


# --- what is accepted


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


# --- gather: who is analysed


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


CHILD_FILM = {"PatientBirthDate": "19990101"}


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


# --- gather: the record and the PACS


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
    with pytest.raises(InvalidInput, match=r"urn:dicom:uid"):
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


def test_an_endpoint_that_is_not_allowed_is_not_asked(tmp_path: Path) -> None:
    study = study_of(film(), endpoint=[{"reference": "Endpoint/e"}])
    record = Record(study, WOMAN, endpoint("http://169.254.169.254/"))
    with pytest.raises(NotAnalysed, match=NOT_ALLOWED):
        # reads alone
        gather.gather(EVENT, record, Settings(state_dir=tmp_path))  # type: ignore[arg-type]


def test_a_series_endpoint_overrides_the_studys(tmp_path: Path) -> None:
    """Nobody listens on port 9: the allowed address of the series is the one that is tried."""
    study = study_of(film(), endpoint=[{"reference": "Endpoint/x"}])
    study["series"][0]["endpoint"] = [{"reference": "Endpoint/e"}]
    record = Record(
        study, WOMAN, endpoint("http://127.0.0.1:9/"), endpoint("http://169.254.169.254/", "x")
    )
    with pytest.raises(Unavailable, match="pacs"):
        gather.gather(
            EVENT,
            record,
            Settings(state_dir=tmp_path, dicomweb_allowed_origins="http://127.0.0.1:9"),
        )  # type: ignore[arg-type]  # reads alone


@pytest.mark.parametrize(
    ("connection", "status"),
    [
        ("dicom-qido-rs", "active"),
        ("dicom-stow-rs", "active"),
        ("hl7-fhir-rest", "active"),
        ("dicom-wado-rs", "off"),
    ],
)
@pytest.mark.parametrize("of_series", [False, True])
def test_only_an_active_wado_endpoint_is_asked_for_pixels(
    tmp_path: Path, connection: str, status: str, of_series: bool
) -> None:
    """The first is another server and would be refused as not allowed; nobody listens on the
    second's port 9.
    """
    study = study_of(film())
    (study["series"][0] if of_series else study)["endpoint"] = [
        {"reference": "Endpoint/x"},
        {"reference": "Endpoint/e"},
    ]
    record = Record(
        study,
        WOMAN,
        endpoint("http://169.254.169.254/", "x", connection, status),
        endpoint("http://127.0.0.1:9/"),
    )
    with pytest.raises(Unavailable, match="pacs"):
        gather.gather(
            EVENT,
            record,
            Settings(state_dir=tmp_path, dicomweb_allowed_origins="http://127.0.0.1:9"),
        )  # type: ignore[arg-type]  # reads alone


def test_without_a_wado_endpoint_the_settings_pacs_is_asked(tmp_path: Path) -> None:
    shown = film()
    open_pacs(Settings(state_dir=tmp_path)).store([shown])
    record = Record(
        study_of(shown, endpoint=[{"reference": "Endpoint/e"}]),
        WOMAN,
        endpoint("http://127.0.0.1:9/", connection="dicom-qido-rs"),
    )
    # reads alone
    assert gather.gather(EVENT, record, Settings(state_dir=tmp_path))  # type: ignore[arg-type]


# --- content


def test_content_is_pixels_and_instances_and_nothing_else(tmp_path: Path) -> None:
    first = found(gathered(tmp_path / "a", film())).content
    assert (
        found(
            gathered(
                tmp_path / "b",
                film(StudyDescription="CHEST", PatientID="x"),
                study=study_of(film(), description="y"),
            )
        ).content
        == first
    )
    assert found(gathered(tmp_path / "c", film(), another(ViewPosition="LL"))).content != first
    assert found(gathered(tmp_path / "d", twin())).content != first
    ours = another(Modality="SEG", SeriesInstanceUID="1.2.9")
    assert found(gathered(tmp_path / "e", film(), ours)).content == first


# --- the model


def probability(model: ChestModel, dataset: Dataset) -> float:
    return model.predict(standardise(grey(dataset))[None])[0].probability


@pytest.mark.parametrize(
    "other",
    [
        twin(),
        twin(WindowCenter="17767"),
        film(WindowCenter="100"),
        film(RescaleSlope="0.5", RescaleIntercept="7"),
    ],
)
def test_polarity_window_and_scale_leave_the_score_alone(model: ChestModel, other: Dataset) -> None:
    assert probability(model, other) == pytest.approx(probability(model, film()), abs=1e-4)


def test_wrong_polarity_would_be_seen(model: ChestModel) -> None:
    """The tests above could not fail if the network did not care."""
    assert (
        abs(
            probability(model, film(PhotometricInterpretation="MONOCHROME2"))
            - probability(model, film())
        )
        > 0.01
    )


def test_a_batch_says_what_each_film_says_alone(model: ChestModel) -> None:
    films = np.stack([standardise(grey(film())), standardise(grey(film()))[:, ::-1]])
    together = [p.probability for p in model.predict(films)]
    assert together == pytest.approx(
        [model.predict(one[None])[0].probability for one in films], abs=1e-5
    )
    assert together[0] != pytest.approx(together[1], abs=1e-6)


def test_cpu_and_gpu_agree(model: ChestModel) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA here")
    seen = standardise(grey(film()))[None]
    [cpu], [gpu] = model.predict(seen), load_folder(SHIPPED, "cuda").predict(seen)
    assert gpu.probability == pytest.approx(cpu.probability, abs=1e-2)


def altered(tmp_path: Path, **config: Any) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(SHIPPED, folder)
    said = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(said | config))
    return folder


def test_altered_weights_are_refused(tmp_path: Path) -> None:
    folder = altered(tmp_path)
    raw = bytearray((folder / "model.safetensors").read_bytes())
    raw[-1] ^= 1
    (folder / "model.safetensors").write_bytes(raw)
    with pytest.raises(Misconfigured, match="SHA-256"):
        load_folder(folder)


@pytest.mark.parametrize(
    "config",
    [{"image_size": 224}, {"taps": [99]}, {"stem": 8}, {"weights_sha256": None}, {"blocks": "?"}],
    ids=str,
)
def test_a_folder_of_another_shape_is_refused(tmp_path: Path, config: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match="CARELOOP_IMAGING_MODEL"):
        load_folder(altered(tmp_path, **config))


def test_a_pickle_is_refused_even_under_its_right_digest(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    buffer = BytesIO()
    torch.save({"stem.weight": torch.zeros(1)}, buffer)
    folder = altered(tmp_path, weights_sha256=hashlib.sha256(buffer.getvalue()).hexdigest())
    (folder / "model.safetensors").write_bytes(buffer.getvalue())
    with pytest.raises(Misconfigured):
        load_folder(folder)


def test_a_missing_folder_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="CARELOOP_IMAGING_MODEL"):
        load_folder(tmp_path)


# --- the drafts


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


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return found(gathered(tmp_path_factory.mktemp("pacs"), film()))


def test_the_whole_way_from_film_to_drafts(model: ChestModel, inputs: Inputs) -> None:
    [findings] = analyze([inputs], model)
    assert isinstance(findings, Findings)
    drafts = drafts_of(inputs, findings)
    assert sorted(drafts) == ["heat-map", "pneumonia", "report"]
    for draft in drafts.values():
        check(draft.resource)
    report, finding = drafts["report"].resource, drafts["pneumonia"].resource
    assert report["status"] == finding["status"] == "preliminary"
    assert report["imagingStudy"] == finding["derivedFrom"] == [{"reference": "ImagingStudy/1"}]
    [component] = finding["component"]
    assert component["valueQuantity"]["value"] == round(100 * findings.probability, 1)
    assert (
        f"{100 * findings.threshold:.3g} %" in report["conclusion"]
        and "not validated elsewhere" in report["conclusion"]
    )


def test_the_conclusion_leaves_its_status_to_the_status(inputs: Inputs) -> None:
    said = drafts_of(inputs, Findings(0.9, 0.3, b"png"))["report"].resource["conclusion"].lower()
    assert not any(
        word in said for word in ("draft", "preliminary", "confirmed", "verified", "signed")
    )


def test_the_heat_map_names_the_film_that_it_lies_on(inputs: Inputs) -> None:
    media = drafts_of(inputs, Findings(0.9, 0.3, b"png"))["heat-map"].resource
    check(media)
    own, service, film_of_it = media["identifier"]
    assert (own["system"], service["value"]) == (RESOURCE, "imaging")
    assert film_of_it == {"system": "urn:dicom:uid", "value": f"urn:oid:{inputs.film.instance}"}


def test_the_heat_map_is_small_and_lies_over_the_whole_film(
    model: ChestModel, inputs: Inputs
) -> None:
    [findings] = analyze([inputs], model)
    assert isinstance(findings, Findings)
    png = base64.b64decode(drafts_of(inputs, findings)["heat-map"].resource["content"]["data"])
    assert len(png) < 200_000
    image = Image.open(BytesIO(png))
    assert (image.mode, image.size) == ("P", (512, 512))
    alpha = np.asarray(image.convert("RGBA"))[:, :, 3]
    assert alpha.min() == 0 < alpha.max() < 255


@pytest.mark.parametrize("suspected", [True, False])
def test_a_low_score_is_no_code_of_health(inputs: Inputs, suspected: bool) -> None:
    findings = Findings(0.9 if suspected else 0.1, 0.3, b"png")
    drafts = drafts_of(inputs, findings)
    finding, report = drafts["pneumonia"].resource, drafts["report"].resource
    assert finding["interpretation"][0]["coding"][0]["code"] == ("POS" if suspected else "NEG")
    assert ("coding" in finding["valueCodeableConcept"]) is suspected
    assert ("conclusionCode" in report) is suspected
    assert finding["extension"][0]["valueDecimal"] == 0.9
    assert ("not suspected" in report["conclusion"]) is not suspected
    for draft in drafts.values():
        check(draft.resource)


def test_the_threshold_itself_is_suspicious() -> None:
    assert Findings(0.3, 0.3, b"").suspected


@pytest.mark.parametrize(
    ("elements", "lateral", "code"),
    [
        (
            {"procedureCode": [{"coding": [{"system": "http://loinc.org", "code": "36643-5"}]}]},
            0,
            "36643-5",
        ),
        (
            {"procedureCode": [{"coding": [{"system": "http://example.org", "code": "x"}]}]},
            0,
            "18748-4",
        ),
        ({}, 1, "36643-5"),
        ({}, 0, "18748-4"),
    ],
)
def test_the_report_is_called_what_was_ordered(
    inputs: Inputs, elements: Json, lateral: int, code: str
) -> None:
    ordered = Inputs(
        **{
            name: getattr(inputs, name)
            for name in ("subject", "film", "frontal", "content", "sources")
        },
        study=inputs.study | elements | {"basedOn": [{"reference": "ServiceRequest/1"}]},
        lateral=lateral,
    )
    report = drafts_of(ordered, Findings(0.9, 0.3, b"png"))["report"].resource
    assert report["code"]["coding"][0]["code"] == code
    assert report["basedOn"] == [{"reference": "ServiceRequest/1"}]


def test_the_service_reads_and_writes_what_it_declares() -> None:
    assert SERVICE.name == "imaging"
    assert {"DiagnosticReport", "Observation", "Media"} == SERVICE.writes
    assert {"ImagingStudy", "Endpoint", "Patient"} == SERVICE.reads
    assert {m.rpartition("|")[2] for m in codes.RADIOGRAPHY} == {"CR", "DX"}
