"""The form is what the content is; a label alone decides nothing."""

import pytest

from shared.errors import InvalidInput
from shared.text.doors.opened import MAX_BYTES, MAX_CHARACTERS
from shared.text.doors.opening import open_attachment
from tests.unit.text_doors.support import SECRET


@pytest.mark.parametrize(
    ("raw", "label", "form"),
    [
        (b"{\\rtf1 gout}", "text/plain", "rtf"),
        (b"\xef\xbb\xbf \n{\\rtf1 gout}", "application/msword", "rtf"),
        (b"<p>She has <b>gout</b></p>", "text/plain", "html"),
        (b"<!DOCTYPE html><html><body>gout", "application/octet-stream", "html"),
        ("<html><body>gout".encode("utf-16"), "", "html"),
        (
            b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><p>gout</p>',
            "",
            "html",
        ),
        (b"She has <b>gout</b>", "application/xhtml+xml", "html"),
        (b"Note<br>She has gout.<br>No <b>fever</b>", "text/plain", "html"),
        (b"She has gout, K <3 and >2", "text/plain", "text"),
        (b"She has gout.", "application/pdf", "text"),
        (b"BMI 24, has gout.", "text/plain", "text"),
        (b"ID3 is no gout", "", "text"),
        (b"She has gout.", "", "text"),
        (b"{gout}", "application/x-unknown", "text"),
        (b"K <b>, see </b>", "text/plain", "text"),
    ],
)
def test_the_content_tells_the_form(raw: bytes, label: str, form: str) -> None:
    opened = open_attachment(raw, label)
    assert opened.form == form
    assert "gout" in opened.text or form == "text"


@pytest.mark.parametrize(
    ("raw", "label", "says"),
    [
        (b"", "text/plain", "no text"),
        (b" \r\n\t", "text/plain", "no text"),
        (b"<html><body><p> </p></body></html>", "text/html", "no text"),
        (b"{\\rtf1 {\\v gone}}", "text/rtf", "no text"),
        (SECRET.encode() + b"\x00\x01\x02", "text/plain", "control characters"),
        (bytes(range(256)) * 8, "text/plain", "control characters"),
        (b"<p>" + SECRET.encode() + b"<!-- until when > ", "text/html", "a comment"),
        (b"<title>" + SECRET.encode(), "text/html", "`title`"),
        (b"<style>" + SECRET.encode() + b"</styles>", "text/html", "`style`"),
        (b"<p title='>" + SECRET.encode() + b"'", "text/html", "a tag"),
        (b"\xff\xd8\xff\xe0" + b"x" * 99, "text/plain", "JPEG"),
        (b"II*\0" + b"x" * 99, "application/pdf", "TIFF"),
        (b"PK\x03\x04" + b"x" * 99, "application/msword", "ZIP"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword", "DOC"),
        (b"\0" * 128 + b"DICM", "text/plain", "DICOM"),
        (b'<?xml version="1.0"?><Patient/>', "text/xml", "no clinical document"),
        (b'{"resourceType": "Patient"}', "application/fhir+json", "JSON"),
        (b"fever " * (MAX_CHARACTERS // 6 + 1), "text/plain", "longer"),
        (b"x" * (MAX_BYTES + 1), "text/plain", "larger"),
    ],
)
def test_what_is_no_note_is_refused_without_a_word_of_it(raw: bytes, label: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        open_attachment(raw, label)
    assert SECRET not in str(refused.value)
