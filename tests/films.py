"""Films for the tests: the real RG1_UNCR.dcm of pydicom-data, and what editing its tags makes of
it.
"""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from shared.dicom.parse import parse


@cache
def raw() -> bytes:
    """RG1_UNCR.dcm: CR, chest, PA, MONOCHROME1, 15 bits, a woman born in 1940, taken in 2004, no
    PatientAge.
    """
    return Path(str(get_testdata_file("RG1_UNCR.dcm", download=False))).read_bytes()


def film(**tags: Any) -> Dataset:
    """The film with other tags; None deletes one."""
    dataset = deepcopy(_parsed())
    for name, value in tags.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    return dataset


@cache
def _parsed() -> Dataset:
    return parse(raw())


def another(**tags: Any) -> Dataset:
    """A further instance of the same series, with a UID that its tags determine."""
    uid = generate_uid(
        entropy_srcs=["careloop", *sorted(f"{name}={value}" for name, value in tags.items())]
    )
    dataset = film(SOPInstanceUID=uid, **tags)
    dataset.file_meta.MediaStorageSOPInstanceUID = uid
    return dataset


def twin(**tags: Any) -> Dataset:
    """The same film as MONOCHROME2: every stored value mirrored within its 15 bits."""
    dataset = film(PhotometricInterpretation="MONOCHROME2", **tags)
    dataset.PixelData = (np.uint16(2**15 - 1) - _parsed().pixel_array).astype("<u2").tobytes()
    return dataset
