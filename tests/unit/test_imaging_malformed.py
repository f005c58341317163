"""Every tag that is read, in every broken way: the film is analysed or refused with a reason, and
nothing else happens.

A film that ends otherwise is a dead letter after three tries, and twenty of them pause the whole
service.
"""

import contextlib
from copy import deepcopy
from functools import cache
from io import BytesIO
from typing import Any

import orjson
import pydicom
import pytest
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import Tag

from services.imaging import codes, gather, tags
from shared.dicom.parse import check_identity, parse
from shared.dicom.pixels import film_png
from shared.dicom.study import imaging_studies
from shared.errors import InvalidInput, NotAnalysed
from tests.films import film

pytestmark = pytest.mark.filterwarnings(
    "ignore::UserWarning"
)  # pydicom's, which shared.dicom.parse silences: pytest restores them
WOMAN = {"resourceType": "Patient", "id": "1", "birthDate": "1940-03-05", "gender": "female"}
READ = [
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "SOPClassUID",
    "Modality",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "NumberOfFrames",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "PixelData",
    "FloatPixelData",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "VOILUTSequence",
    "VOILUTFunction",
    "WindowCenter",
    "WindowWidth",
    "BodyPartExamined",
    "AnatomicRegionSequence",
    "ViewPosition",
    "ViewCodeSequence",
    "PatientOrientation",
    "StudyDescription",
    "SeriesDescription",
    "PatientAge",
    "PatientBirthDate",
    "StudyDate",
    "StudyTime",
    "PatientSex",
    "PresentationIntentType",
    "AcquisitionDate",
    "TimezoneOffsetFromUTC",
    "SeriesNumber",
    "InstanceNumber",
    "SpecificCharacterSet",
]
VALUES: dict[str, tuple[str, Any] | None] = {
    "absent": None,
    "empty text": ("LO", ""),
    "text": ("LO", "abc"),
    "two texts": ("LO", ["abc", "def"]),
    "two numbers": ("US", [1, 2]),
    "zero": ("US", 0),
    "huge": ("UL", 2**32 - 1),
    "negative": ("SS", -5),
    "infinite": ("FD", float("inf")),
    "not a number": ("FD", float("nan")),
    "empty number": ("US", None),
    "empty sequence": ("SQ", []),
    "sequence": ("SQ", [Dataset()]),
    "empty bytes": ("OB", b""),
    "long": ("UT", "9" * 5_000),
    "unknown": ("UN", b"\xff\xfe"),
    "of odd length": ("UN", b"1\\2"),
}


@cache
def _small() -> Dataset:
    """The film's middle: fast to copy and to read."""
    dataset = film()
    dataset.PixelData = dataset.pixel_array[500:564, 500:564].astype("<u2").tobytes()
    dataset.Rows = dataset.Columns = 64
    return dataset


def broken(name: str, value: tuple[str, Any] | None) -> bytes | None:
    """The film's file with this tag; None where no file can hold that."""
    dataset = deepcopy(_small())
    tag = Tag(tag_for_keyword(name) or 0)
    dataset.pop(tag, None)
    if value and value[0] == "UN":
        dataset[tag] = RawDataElement(tag, "UN", len(value[1]), value[1], 0, False, True)
    elif value:
        dataset[tag] = DataElement(tag, *value)
    buffer = BytesIO()
    try:
        pydicom.dcmwrite(
            buffer, dataset, enforce_file_format=True, implicit_vr=False, little_endian=True
        )
    except Exception:
        return None
    return buffer.getvalue()


def analysed(raw: bytes) -> None:
    """What gather does with a film."""
    dataset = parse(raw)
    check_identity(dataset)
    gather.content_of([dataset])
    if dataset.get("Modality") not in codes.MODALITIES or "Rows" not in dataset:
        return
    if chest := gather.chest_films([dataset], {}):
        tags.check_person(dataset, WOMAN)
        tags.check_adult(dataset, WOMAN)
        gather.film_of(*gather.views_of(chest)[0][0])


def shown(raw: bytes) -> None:
    """What review does with it."""
    assert film_png(parse(raw))


def loaded(raw: bytes) -> None:
    """What `careloop load` does with it."""
    orjson.dumps(imaging_studies([parse(raw)], "Patient/1"))


def test_the_film_as_it_is_passes() -> None:
    raw = broken("SeriesDescription", ("LO", "CHEST"))
    assert raw
    for use in (analysed, shown, loaded):
        use(raw)


@pytest.mark.parametrize("name", READ)
def test_a_broken_tag_is_a_reason_and_no_crash(name: str) -> None:
    files = {kind: raw for kind, value in VALUES.items() if (raw := broken(name, value))}
    assert len(files) >= len(VALUES) // 2
    for raw in files.values():
        for use in (analysed, shown, loaded):
            with contextlib.suppress(InvalidInput, NotAnalysed):
                use(raw)


@pytest.mark.parametrize("value", [None, ("OB", b""), ("LO", "abc"), ("US", [1, 2])])
def test_only_the_film_that_is_analysed_must_have_pixels(value: tuple[str, Any] | None) -> None:
    raw = broken("PixelData", value)
    assert raw
    assert gather.content_of([parse(raw)])
    with pytest.raises(InvalidInput, match="PixelData"):
        analysed(raw)


@pytest.mark.parametrize("name", ["PixelPaddingValue", "PixelPaddingRangeLimit"])
def test_padding_of_two_values_is_named(name: str) -> None:
    raw = broken(name, ("US", [1, 2]))
    assert raw
    with pytest.raises(InvalidInput, match="PixelPadding"):
        analysed(raw)
