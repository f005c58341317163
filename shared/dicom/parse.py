"""From DICOM Part 10 bytes to a Dataset (PS3.10). No I/O.

It is tolerant of values and strict about size. What comes in was written by others: it may be
truncated, mislabelled or made to exhaust memory. Every failure is an InvalidInput that names the
place and never a value.
"""

import re
import struct
import warnings
from io import BytesIO
from typing import Final

import pydicom
from pydicom import config
from pydicom.datadict import keyword_for_tag
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian

from shared.errors import InvalidInput

MAX_FILE_BYTES: Final = 512 * 2**20
MAX_UID: Final = 64
"""PS3.5 section 9.1."""
UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
MALFORMED: Final = (
    InvalidDicomError,
    BytesLengthException,
    EOFError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    NotImplementedError,
    RecursionError,
    OverflowError,
    struct.error,
)

# Read tolerantly: films break value rules (a PixelSpacing of zero, over-long strings) that no
# finding depends on. And a warning about a value would carry that value into the log.
config.settings.reading_validation_mode = config.IGNORE
warnings.filterwarnings("ignore", module=r"pydicom\.")


def check_uid(uid: object, place: str) -> str:
    """Return the UID as text, safe as a file name.

    Raises:
        InvalidInput: not a UID of PS3.5 section 9.1 (so no separator, no `..`, no more than 64
            characters).
    """
    text = str(uid or "")
    if len(text) > MAX_UID or not UID.fullmatch(text):
        raise InvalidInput(f"{place} is not a DICOM UID")
    return text


def parse(raw: bytes) -> pydicom.Dataset:
    """Read the dataset of one Part 10 file.

    Raises:
        InvalidInput: too large, deflated, not DICOM, or an element with bytes that are no value of
            its type.
    """
    if len(raw) > MAX_FILE_BYTES:
        raise InvalidInput(f"DICOM file of more than {MAX_FILE_BYTES} bytes")
    if is_deflated(raw):
        # 0.7 MB become 1.4 GB before the first tag can be looked at.
        raise InvalidInput(
            "TransferSyntaxUID is Deflated Explicit VR Little Endian, which is not read"
        )
    try:
        dataset = pydicom.dcmread(BytesIO(raw))
        _ = dataset.file_meta.TransferSyntaxUID
    except MALFORMED as error:
        raise InvalidInput(f"not a readable DICOM file ({type(error).__name__})") from None
    check_elements(dataset)
    return dataset


def check_elements(dataset: pydicom.Dataset) -> None:
    """Convert every public element, nested ones too.

    pydicom converts at the first use, wherever that is, and fails there.

    Raises:
        InvalidInput: names the element with bytes that are no value of its type.
    """
    for tag in list(dataset.keys()):
        if tag.is_private:
            continue
        try:
            value = dataset[tag].value
            for item in value if isinstance(value, Sequence) else ():
                check_elements(item)
        except (*MALFORMED, OSError):
            # pydicom raises OSError for a sequence that breaks off.
            raise InvalidInput(f"{keyword_for_tag(tag) or tag} is malformed") from None


def is_deflated(raw: bytes) -> bool:
    """Tell whether the file meta group names the deflated transfer syntax.

    It is read from the bytes, because any parser inflates at once.
    """
    length = int.from_bytes(raw[140:144], "little") if raw[132:136] == b"\x02\x00\x00\x00" else 4096
    return DeflatedExplicitVRLittleEndian.encode() in raw[132 : 144 + length]


def check_identity(dataset: pydicom.Dataset) -> tuple[str, str, str]:
    """Return the (study, series, SOP instance) UIDs, each safe as a file name.

    Raises:
        InvalidInput: one is missing or malformed.
    """
    names = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    study, series, instance = (check_uid(dataset.get(name), name) for name in names)
    return study, series, instance
