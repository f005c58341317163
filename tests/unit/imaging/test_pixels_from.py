"""Imaging: pixels from."""

from pathlib import Path

import pytest

from services.imaging import gather
from shared.dicom.store import NOT_ALLOWED, open_pacs
from shared.errors import NotAnalysed, Unavailable
from shared.settings import Settings
from tests.films import another, film, twin
from tests.unit.imaging.support import EVENT, WOMAN, Record, endpoint, found, gathered, study_of


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
