"""From the bytes of an attachment to its text, by what they are, not by a label.

Everything ends in a text or in a reason, and takes time in line with its length: a megabyte of
text, HTML or RTF some seconds, a PDF at most a minute.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from shared.errors import InvalidInput
from shared.text.doors.encoding import characters
from shared.text.doors.markup.ccda import Embedded, embedded, read_ccda
from shared.text.doors.markup.hypertext import read_html
from shared.text.doors.opened import MAX_BYTES, MAX_CHARACTERS, Form, Opened, Span
from shared.text.doors.pdf.layer import read_pdf
from shared.text.doors.plain import without_controls
from shared.text.doors.rtf.reader import read_rtf
from shared.text.doors.sniff import form_of

Read = tuple[str, Sequence[int], tuple[Span, ...]]
READERS: Final[dict[Form, Callable[[str], Read]]] = {
    "html": read_html,
    "ccda": read_ccda,
    "rtf": read_rtf,
}


def open_attachment(raw: bytes, content_type: str) -> Opened:
    """Read the text of an attachment.

    Args:
        content_type: as it is labelled, with a charset or without; it may be empty or wrong.

    Raises:
        InvalidInput: it is too long, of a form that is not read, damaged, or holds no text. The
            reason quotes nothing of it.
    """
    if len(raw) > MAX_BYTES:
        raise InvalidInput(f"The attachment is larger than {MAX_BYTES} bytes.")
    opened = _opened(raw, content_type)
    if len(opened.text) > MAX_CHARACTERS:
        raise InvalidInput(f"The note is longer than {MAX_CHARACTERS} characters.")
    if not opened.text.strip():
        raise InvalidInput("The note holds no text.")
    return opened


def _opened(raw: bytes, content_type: str) -> Opened:
    form = form_of(raw, content_type)
    if form == "pdf":
        text, unread = read_pdf(raw)
        return Opened(text, range(len(text)), form, unread)
    if form == "rtf":
        return _of_source(raw.decode("latin-1"), form, ())

    source, doubts = characters(raw, content_type)
    if form == "ccda" and (file := embedded(source)):
        return _of_file(file, doubts)
    return _of_source(source, form, doubts)


def _of_source(source: str, form: Form, doubts: tuple[str, ...]) -> Opened:
    source, kept = without_controls(source) if form != "rtf" else (source, range(len(source)))
    if form == "text":
        return Opened(source, kept, form, doubts=doubts)
    text, places, struck = READERS[form](source)
    if len(kept) and kept[-1] != len(kept) - 1:
        places = [kept[p] for p in places]
    return Opened(text, places, form, doubts=doubts, struck=struck)


def _of_file(file: Embedded, doubts: tuple[str, ...]) -> Opened:
    """Open the file in an unstructured document; it is the source of the text."""
    raw = _bytes_of(file)
    if form_of(raw, file.content_type) == "ccda":
        raise InvalidInput("The document holds another document.")
    inner = _opened(raw, file.content_type)
    return replace(inner, form="ccda", doubts=(*doubts, *inner.doubts))


def _bytes_of(file: Embedded) -> bytes:
    if not file.is_base64:
        return file.data.encode()
    try:
        return base64.b64decode("".join(file.data.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("The file in the document is not base64.") from None
