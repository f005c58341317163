"""Pixels, parsing, the folder, the ImagingStudy: on a real film and on broken ones."""

import threading
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, RLELossless

from shared.dicom.folder import FolderPacs, encode
from shared.dicom.parse import check_uid, parse
from shared.dicom.pixels import NOT_GREY, film_png, grey, stored
from shared.dicom.store import NOT_ALLOWED, DicomWeb, open_pacs
from shared.dicom.study import imaging_studies, read_files, study_uid
from shared.errors import InvalidInput, NotAnalysed, NotYet
from shared.fhir.check import check
from shared.settings import Settings
from tests.films import another, film, raw, twin


def spread(values: np.ndarray) -> np.ndarray:
    """0..1 between the extremes, which takes away scale and offset."""
    return (values - np.nanmin(values)) / (np.nanmax(values) - np.nanmin(values))


def test_a_film_and_its_mirrored_twin_are_the_same_picture() -> None:
    np.testing.assert_allclose(spread(grey(film())), spread(grey(twin())), atol=1e-6)


def test_brighter_is_denser() -> None:
    """RG1: the mediastinum in the middle is denser than the air beside the shoulder."""
    bright = spread(grey(film()))
    assert bright[900:1100, 860:960].mean() > bright[150:220, 10:80].mean() + 0.2


@pytest.mark.parametrize(
    "tags",
    [
        {"WindowCenter": "9000", "WindowWidth": "500"},
        {"RescaleSlope": "2", "RescaleIntercept": "-1000"},
    ],
)
def test_window_and_scale_leave_no_trace(tags: dict[str, str]) -> None:
    np.testing.assert_allclose(spread(grey(film(**tags))), spread(grey(film())), atol=1e-6)


def test_a_negative_slope_turns_the_picture_over() -> None:
    np.testing.assert_allclose(
        spread(grey(film(RescaleSlope="-1", RescaleIntercept="0"))),
        1 - spread(grey(film())),
        atol=1e-6,
    )


def test_padding_is_no_film() -> None:
    padded = film(PixelPaddingValue=int(stored(film())[0, 0]))
    bright = grey(padded)
    assert np.isnan(bright[0, 0])
    assert 0 < np.isnan(bright).mean() < 0.1


def test_a_compressed_film_is_the_same_picture() -> None:
    compressed = film()
    compressed.compress(RLELossless)
    np.testing.assert_array_equal(grey(parse(encode(compressed))), grey(film()))


@pytest.mark.parametrize(
    "dataset", [film(), twin(WindowCenter="17767")], ids=["MONOCHROME1", "MONOCHROME2"]
)
def test_the_page_shows_it_upright(dataset: Dataset) -> None:
    image = Image.open(BytesIO(film_png(dataset, 400)))
    assert max(image.size) == 400
    shown = np.asarray(image, dtype=float)
    reference = np.asarray(Image.open(BytesIO(film_png(film(), 400))), dtype=float)
    assert np.abs(shown - reference).max() <= 1
    assert shown.std() > 20


@pytest.mark.parametrize(
    ("tags", "place"),
    [
        ({"Rows": 65535, "Columns": 65535}, "Rows x Columns"),
        ({"NumberOfFrames": "100000"}, "NumberOfFrames"),
        ({"NumberOfFrames": "-1"}, "NumberOfFrames"),
        ({"Rows": None}, "Rows"),
        ({"Columns": 0}, "Columns"),
        ({"PixelData": None}, "PixelData"),
        ({"PixelData": b"\0" * 100}, "PixelData"),
        ({"BitsStored": 40}, "PixelData"),
    ],
)
def test_what_is_malformed_is_named_by_its_tag(tags: dict[str, object], place: str) -> None:
    with pytest.raises(InvalidInput, match=place):
        grey(film(**tags))


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_a_compressed_claim_of_any_size_is_refused_before_it_is_decoded(syntax: str) -> None:
    claimed = film(Rows=65535, Columns=65535, PixelData=encapsulate([b"\0" * 64]))
    claimed.file_meta.TransferSyntaxUID = syntax
    with pytest.raises(InvalidInput, match="Rows x Columns"):
        grey(claimed)


def test_garbage_in_a_compressed_film_is_refused() -> None:
    broken = film(PixelData=encapsulate([b"\xff\x4f" + b"\0" * 64]))
    broken["PixelData"].is_undefined_length = True
    broken.file_meta.TransferSyntaxUID = JPEG2000Lossless
    with pytest.raises(InvalidInput, match="PixelData"):
        grey(broken)


def test_one_colour_is_no_film() -> None:
    with pytest.raises(InvalidInput, match="one single value"):
        grey(film(PixelData=b"\0" * len(film().PixelData)))


def test_a_colour_image_is_not_analysed() -> None:
    with pytest.raises(NotAnalysed, match=NOT_GREY):
        grey(film(PhotometricInterpretation="PALETTE COLOR"))


@pytest.mark.parametrize("length", [0, 10, 131, 200, 700])
def test_a_truncated_header_is_refused(length: int) -> None:
    with pytest.raises(InvalidInput):
        grey(parse(raw()[:length]))


@pytest.mark.parametrize("length", [3000, 1_000_000])
def test_truncated_pixels_are_refused(length: int) -> None:
    with pytest.raises(InvalidInput):
        grey(parse(raw()[:length]))


def test_a_deflated_file_is_refused_before_it_inflates() -> None:
    deflated = Path(str(get_testdata_file("image_dfl.dcm", download=False))).read_bytes()
    with pytest.raises(InvalidInput, match="Deflated"):
        parse(deflated)


@pytest.mark.parametrize(
    "uid", ["", "../../etc/passwd", "1.2/3", "1..2", "1.2.", "1." * 40 + "1", None]
)
def test_no_path_is_made_of_what_is_no_uid(uid: str | None, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="StudyInstanceUID"):
        FolderPacs(tmp_path / "pacs").store([film(StudyInstanceUID=uid)])
    assert not (tmp_path / "pacs").exists()


@pytest.mark.parametrize("text", ["1.2\n", "1.2\0", "\u0661.2", ""])
def test_a_uid_is_digits_and_dots(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a DICOM UID"):
        check_uid(text, "place")


def test_the_folder_gives_back_what_it_holds(tmp_path: Path) -> None:
    pacs = open_pacs(Settings(state_dir=tmp_path))
    one, two = film(), another(ViewPosition="LL")
    with pytest.raises(NotYet):
        pacs.retrieve_series(one.StudyInstanceUID, one.SeriesInstanceUID)
    pacs.store([two, one])
    pacs.store([one])
    found = pacs.retrieve_series(one.StudyInstanceUID, one.SeriesInstanceUID)
    assert sorted(d.SOPInstanceUID for d in found) == sorted(
        [one.SOPInstanceUID, two.SOPInstanceUID]
    )
    assert {d.PixelData for d in found} == {one.PixelData}
    assert pacs.list_series(one.StudyInstanceUID) == [(one.SeriesInstanceUID, "CR")]
    assert "1 studies" in pacs.describe()


def test_several_writers_and_a_reader_share_the_folder(tmp_path: Path) -> None:
    """Whatever the reader sees is whole, though eight threads store the same instances at once."""
    datasets = [film(), another(ViewPosition="AP")]
    problems: list[Exception] = []

    def write() -> None:
        FolderPacs(tmp_path).store(datasets)

    def read() -> None:
        for _ in range(10):
            try:
                for dataset in FolderPacs(tmp_path).retrieve_series(
                    datasets[0].StudyInstanceUID, datasets[0].SeriesInstanceUID
                ):
                    assert dataset.PixelData == datasets[0].PixelData
            except NotYet:
                pass
            except Exception as error:
                problems.append(error)

    threads = [threading.Thread(target=work) for work in [write] * 8 + [read]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert sum(1 for p in tmp_path.rglob("*") if p.is_file()) == 2


ELSEWHERE = (
    "http://169.254.169.254/latest",
    "https://pacs.example.evil.org/dicom",
    "https://pacs.example@evil.org/",
    "http://pacs.example/",
    "file:///etc",
    "",
)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_an_endpoint_elsewhere_is_not_spoken_to(address: str) -> None:
    with pytest.raises(NotAnalysed, match=NOT_ALLOWED):
        open_pacs(
            Settings(dicomweb_url="https://pacs.example/dicom-web", dicomweb_username="careloop"),
            address,
        )


def test_credentials_go_to_their_own_origin_alone() -> None:
    settings = Settings(
        dicomweb_url="https://pacs.example/a",
        dicomweb_username="careloop",
        dicomweb_password="p",
        dicomweb_allowed_origins="https://other.example",
    )
    own, other = (
        open_pacs(settings, "https://pacs.example/b"),
        open_pacs(settings, "https://other.example/b"),
    )
    assert isinstance(own, DicomWeb)
    assert isinstance(other, DicomWeb)
    assert (own.session.auth, other.session.auth) == (("careloop", "p"), None)


def test_the_imaging_study_says_what_the_files_hold() -> None:
    [study] = imaging_studies([film(), another(InstanceNumber="2"), film()], "Patient/1")
    check(study)
    assert study_uid(study) == film().StudyInstanceUID
    assert study["started"] == "2004-08-26T18:50:59-04:00"
    assert (study["numberOfSeries"], study["numberOfInstances"]) == (1, 2)
    assert study["modality"] == [
        {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CR"}
    ]
    assert [i["sopClass"]["code"] for i in study["series"][0]["instance"]] == [
        "urn:oid:1.2.840.10008.5.1.4.1.1.1"
    ] * 2


def test_each_study_has_its_own_resource() -> None:
    assert len(imaging_studies([film(), film(StudyInstanceUID="1.2.3")], "Patient/1")) == 2


@pytest.mark.parametrize(
    ("tags", "started"),
    [
        ({"StudyDate": "2004"}, None),
        ({"StudyDate": None}, "1995-09-26T12:51:30-04:00"),  # of its series
        ({"StudyDate": None, "SeriesDate": None}, None),
        ({"StudyTime": ""}, "2004-08-26"),
        ({"TimezoneOffsetFromUTC": None}, "2004-08-26"),
    ],
)
def test_a_time_is_not_invented(tags: dict[str, str | None], started: str | None) -> None:
    [study] = imaging_studies([film(**tags)], "Patient/1")
    check(study)
    assert study.get("started") == started


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "film.dcm").write_bytes(b"GIF89a")
    with pytest.raises(InvalidInput, match=r"film\.dcm"):
        read_files([tmp_path / "film.dcm"])
