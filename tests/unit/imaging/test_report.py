"""Imaging: report."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from services.imaging import codes
from services.imaging.analyze import analyze
from services.imaging.domain import Findings, Inputs
from services.imaging.heat_map import FLOOR, heat_map
from services.imaging.model import ChestModel
from services.imaging.service import SERVICE
from shared.fhir.check import check
from shared.fhir.codes import RESOURCE, codings
from shared.json import Json
from tests.unit.imaging.support import drafts_of


def test_the_whole_way_from_film_to_drafts(model: ChestModel, inputs: Inputs) -> None:
    [findings] = analyze([inputs], model)
    assert isinstance(findings, Findings)
    drafts = drafts_of(inputs, findings)
    assert sorted(drafts) == ["heat-map", "pneumonia", "report"]
    for draft in drafts.values():
        check(draft.resource)
    report, finding = drafts["report"].resource, drafts["pneumonia"].resource
    assert report["status"] == finding["status"] == "preliminary"
    found = {c["code"] for c in codings(report["category"])}
    assert found == SERVICE.panel.categories
    assert report["imagingStudy"] == finding["derivedFrom"] == [{"reference": "ImagingStudy/1"}]
    [component] = finding["component"]
    assert component["valueQuantity"]["value"] == round(100 * findings.probability, 1)
    assert (
        f"threshold of {100 * findings.threshold:.3g}." in report["conclusion"]
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


@pytest.mark.parametrize("share", [0.0, 0.1, 0.2, 0.28, 0.32, 0.6, 1.0])
def test_the_heat_map_leaves_transparent_what_hardly_raised_the_score(share: float) -> None:
    attention = np.full((8, 8), share, dtype=np.float32)
    attention[0, 0] = 1.0
    image = Image.open(BytesIO(heat_map(attention))).convert("RGBA")
    alpha = np.asarray(image)[-1, -1, 3]
    assert (alpha > 0) is np.bool_(share > FLOOR)


def test_the_heat_map_says_where_its_colours_begin(inputs: Inputs) -> None:
    [note] = drafts_of(inputs, Findings(0.9, 0.3, b"png"))["heat-map"].resource["note"]
    assert "30%" in note["text"]


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


@pytest.mark.parametrize(
    ("probability", "finding"),
    [
        (0.9, "Pneumonia suspected: model score 90 of 100, at or above its threshold of 30. "),
        (0.3, "Pneumonia suspected: model score 30 of 100, at or above its threshold of 30. "),
        (0.29, "Pneumonia not suspected: model score 29 of 100, below its threshold of 30. "),
        (0.0, "Pneumonia not suspected: model score 0 of 100, below its threshold of 30. "),
    ],
)
def test_every_conclusion_says_after_the_finding_that_nothing_else_was_assessed(
    inputs: Inputs, probability: float, finding: str
) -> None:
    said = drafts_of(inputs, Findings(probability, 0.3, b"png"))["report"].resource["conclusion"]
    alone = (
        "The model looks for pneumonia alone; nothing else was assessed (such as pneumothorax, "
        "effusion, mass or fracture). Analysed by "
    )
    assert said.startswith(finding + alone)


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
