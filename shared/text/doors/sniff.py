"""What the bytes of an attachment are, whatever its label says."""

import re
from typing import Final

from shared.errors import InvalidInput
from shared.text.doors.opened import Form

KNOWN: Final = (
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"II*\0", "a picture (TIFF)"),
    (b"MM\0*", "a picture (TIFF)"),
    (b"BM", "a picture (BMP)"),
    (b"PK\x03\x04", "a Word document or another archive (ZIP)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Word document (DOC)"),
    (b"\x1f\x8b", "compressed (GZIP)"),
    (b"%!PS", "PostScript"),
    (b"RIFF", "sound or film (RIFF)"),
    (b"OggS", "sound (Ogg)"),
    (b"ID3", "sound (MP3)"),
)
DICOM: Final = slice(128, 132)
BEGINNING: Final = 4_096
CCDA: Final = re.compile(rb"<(?:[\w.-]{1,20}:)?ClinicalDocument[\s>]")
HTML: Final = re.compile(
    rb"<(?:!--|(?:!doctype\s+html|html|head|body|meta|title|style|script|div|p|table|tbody|tr|td|ul|ol"
    rb"|li|h[1-6]|span|pre|font|a|i|u|s|em|strong|del|br|b|section|article)(?=[\s/>]))",
    re.IGNORECASE,
)
TAGS: Final = re.compile(
    rb"</(?:p|div|td|tr|table|li|span|b|i|u|s|strong|em|h[1-6]|body|html)\s*>|<br\s*/?>",
    re.IGNORECASE,
)
SOME_TAGS: Final = 3
XML: Final = re.compile(rb"<\?xml[\s?]|<!DOCTYPE\s")
JSON_TYPES: Final = re.compile(r"application/(?:[\w.-]+\+)?json")


def media_type(content_type: str) -> str:
    """Return `text/plain` of `text/plain; charset=utf-8`."""
    return content_type.split(";", 1)[0].strip().lower()


def form_of(raw: bytes, content_type: str) -> Form:
    """Tell the form of the content.

    Raises:
        InvalidInput: it is of a form that holds no text, or none that is read.
    """
    label = media_type(content_type)
    start = _beginning(raw)
    _refuse_known(raw, start, label)
    if start.startswith(b"{\\rtf"):
        return "rtf"
    if start.startswith(b"%PDF-") or (label == "application/pdf" and b"%PDF-" in raw[:1_024]):
        return "pdf"
    if CCDA.search(start):
        return "ccda"
    return _of_markup(start, label)


def _of_markup(start: bytes, label: str) -> Form:
    if HTML.match(start) or ("html" in label and b"<" in start):
        return "html"
    if XML.match(start):
        if HTML.search(start) or b"/xhtml" in start:
            return "html"
        raise InvalidInput("The attachment is XML, and no clinical document (CDA).")
    # a text may speak of one tag
    enough = SOME_TAGS if label == "text/plain" else 1
    return "html" if "html" in label or len(TAGS.findall(start)) >= enough else "text"


def _refuse_known(raw: bytes, start: bytes, label: str) -> None:
    for magic, name in KNOWN:
        # a note may begin with BMI
        if raw.startswith(magic) and (b"\0" in raw[:64] or not magic.isalnum()):
            raise InvalidInput(f"The attachment is {name}: it holds no text that can be read.")
    if raw[DICOM] == b"DICM":
        raise InvalidInput("The attachment is DICOM: it holds no text that can be read.")
    if JSON_TYPES.fullmatch(label) and start.startswith((b"{", b"[")):
        raise InvalidInput("The attachment is JSON: it is no note.")


def _beginning(raw: bytes) -> bytes:
    """Return how the content begins, without marks, white space and UTF-16's NULs."""
    head = raw[: 2 * BEGINNING]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head[:2000].count(0) > len(head[:2000]) // 3:
        head = head.removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").replace(b"\0", b"")
    return head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\f\v\0")[:BEGINNING]
