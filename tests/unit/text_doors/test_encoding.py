"""Bytes become the characters that a browser shows, and a wrong label loses no note."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.text.doors.encoding import characters
from shared.text.doors.opening import open_attachment

GUESSED = ("It is no UTF-8 and was read as windows-1252.",)
UNKNOWN = ("It names a character set that is not known.",)


@pytest.mark.parametrize(
    ("raw", "content_type", "text", "doubts"),
    [
        ("Fièvre".encode("latin-1"), "text/plain; charset=ISO-8859-1", "Fièvre", ()),
        (
            b"the patient\x92s \x96 no fever",
            "text/plain; charset=latin1",
            "the patient’s – no fever",
            (),
        ),
        (b"5 \x80", "text/plain; charset=us-ascii", "5 €", ()),
        ("Fièvre".encode(), "text/plain", "Fièvre", ()),
        ("Fièvre".encode(), "text/plain; charset=latin1", "Fièvre", ()),
        ("Fièvre".encode("utf-8-sig"), "text/plain;charset=utf-8", "Fièvre", ()),
        ("Fièvre".encode("utf-16"), "text/plain", "Fièvre", ()),
        ("Has asthma.".encode("utf-16-le"), "text/plain; charset=utf-16le", "Has asthma.", ()),
        ("Has asthma.".encode("utf-16-be"), "text/plain; charset=utf-8", "Has asthma.", ()),
        (b"Has asthma", "text/plain; charset=utf-16le", "Has asthma", ()),
        ("Привет".encode("koi8-r"), "text/plain; charset=koi8-r", "Привет", ()),
        ("高血圧".encode("shift_jis"), "text/plain; charset=Windows-31J", "高血圧", ()),
        (b"Fi\xe8vre", "text/plain", "Fièvre", GUESSED),
        (b"Fi\xe8vre", "text/plain; charset=utf-8", "Fièvre", GUESSED),
        (b"Fi\xe8vre", "text/plain; charset=klingon", "Fièvre", UNKNOWN + GUESSED),
        (b"fever", "text/plain; charset=utf-7", "fever", UNKNOWN),
        (b"fever", "text/plain; charset=x\0y", "fever", UNKNOWN),
        (
            "é".encode() * 20 + b"\xc3",
            "text/plain; charset=utf-8",
            "é" * 20 + "\ufffd",
            ("Some of its characters are damaged.",),
        ),
        (
            b"<meta charset='windows-1251'><p>\xcf\xf0</p>",
            "text/html",
            "<meta charset='windows-1251'><p>Пр</p>",
            (),
        ),
        (
            b'<meta http-equiv=x content="text/html; charset=iso-8859-2">\xb9',
            "text/html; charset=utf-8",
            '<meta http-equiv=x content="text/html; charset=iso-8859-2">š',
            (),
        ),
        (
            b'<?xml version="1.0" encoding="iso-8859-1"?>\xe8',
            "application/xml",
            '<?xml version="1.0" encoding="iso-8859-1"?>è',
            (),
        ),
    ],
)
def test_characters(raw: bytes, content_type: str, text: str, doubts: tuple[str, ...]) -> None:
    assert characters(raw, content_type) == (text, doubts)


@pytest.mark.parametrize("stray", ["\0", "\x07", "\x1b", "\x7f", "\x9d"])
def test_a_stray_control_character_is_no_part_of_the_text(stray: str) -> None:
    source = f"Has{stray} gout. " + "No fever. " * 60 + f"End{stray}."
    opened = open_attachment(source.encode(), "text/plain; charset=utf-8")
    assert opened.text == source.replace(stray, "")
    at = opened.text.index("End")
    assert source[opened.places[at] :].startswith("End")


def test_a_form_feed_stays() -> None:
    assert open_attachment(b"asthma\x0cPage 2: gout", "text/plain").text == "asthma\x0cPage 2: gout"


def test_places_of_markup_count_what_was_left_out() -> None:
    source = "<p>a\0b</p><p>gout</p>" + "<p>c</p>" * 50
    opened = open_attachment(source.encode(), "text/html")
    assert source[opened.places[opened.text.index("gout")] :].startswith("gout")
    assert opened.text.startswith("ab\ngout")


@given(
    st.binary(max_size=60),
    st.sampled_from(["text/plain", "text/html", "application/rtf", ""]),
    st.text(max_size=12),
)
def test_any_bytes_are_a_text_or_refused(raw: bytes, kind: str, charset: str) -> None:
    for content_type in (kind, f"{kind}; charset={charset}", f"{kind}; charset*={charset}"):
        for begin in (b"", b"{\\rtf1 ", b"<p>", b"<ClinicalDocument><section><text>"):
            with contextlib.suppress(InvalidInput):
                opened = open_attachment(begin + raw, content_type)
                opened.text.encode()
                assert len(opened.text) == len(opened.places)
