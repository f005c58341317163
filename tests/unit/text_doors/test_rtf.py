"""What RTF shows is read, each character at its byte."""

import pytest

from tests.unit.text_doors.support import rtf, struck

FONTS = (
    r"{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset2 Wingdings;}{\f2\fcharset128 Gothic;}"
    r"{\f3\fcharset204 Arial Cyr;}}\f0 "
)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            r"ASSESSMENT:\par No evidence of pneumonia.\par ",
            "ASSESSMENT:\nNo evidence of pneumonia.",
        ),
        (r"Fi\'e8vre", "Fièvre"),
        ("Fi\xe8vre", "Fièvre"),
        (r"\ansicpg1251 \'cf\'f0", "Пр"),
        (r"\mac \'8e", "é"),
        (FONTS + r"a {\f3 \'cf\'f0} \'e8", "a Пр è"),
        (FONTS + r"{\f2 \'8d\'82\'83A}", "高ア"),
        (FONTS + r"{\f1\'a8} Stroke {\f1\'fe} Gout", "☐ Stroke ☑ Gout"),
        (r"a\u946?b \uc2\u233??c{\uc0\u8805 5}", "aβb éc≥5"),
        (r"\u-10179?\u-8704?", "\U0001f600"),
        (r"\u-10179?x", "\ufffdx"),
        (r"lisi{\b nopril}", "lisinopril"),
        (
            r"li\-sinopril, beta\_blocker, 5\~mg \{x\} \\",
            "lisinopril, beta-blocker, 5\xa0mg {x} \\",
        ),
        (r"it\rquote s \endash  \ldblquote no\rdblquote", "it’s – “no”"),
        (r"{\v hidden}a{\*\unknown x}{\info{\author N}}{\pict 00ff}b{\header H}c", "abc"),
        (r"\v hidden\v0 shown\v more\plain  and", "shown and"),
        (
            r"{\field{\*\fldinst HYPERLINK x}{\fldrslt seen}} {\listtext 1.\tab}gout",
            "seen 1.\tgout",
        ),
        (r"a{\*\shpinst{\sp{\sn x}{\sv y}}{\shptxt boxed}}", "aboxed"),
        (r"a{\pict\bin4 }}{{}b", "ab"),
        ("no\r\n chest\n pain", "no chest pain"),
    ],
)
def test_what_is_shown_is_read(body: str, text: str) -> None:
    assert rtf(body).text.strip() == text


def test_a_row_is_a_line() -> None:
    body = (
        r"Drugs\par \trowd\cellx1\cellx2 \intbl warfarin\par daily\cell 5 mg\cell Discontinued"
        r"\cell\row \trowd gout\cell\cell resolved\cell\row end"
    )
    assert rtf(body).text.splitlines() == [
        "Drugs",
        "warfarin daily\t5 mg\tDiscontinued",
        "gout\t\tresolved",
        "end",
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (r"\strike digoxin\strike0  aspirin", ["digoxin"]),
        (r"{\striked1 digoxin} aspirin", ["digoxin"]),
        (r"takes {\deleted 5 mg}10 mg", ["5 mg"]),
        (r"\strike a\plain b", ["a"]),
        (r"{\b\strike a{\i b}}c", ["ab"]),
        ("plain", []),
    ],
)
def test_what_is_struck_out_is_kept_and_told(body: str, words: list[str]) -> None:
    assert struck(rtf(body)) == words


def test_places_are_bytes() -> None:
    opened = rtf(r"No fi\'e8vre \u946?")
    source = r"{\rtf1\ansi No fi\'e8vre \u946?}"
    assert source[opened.places[opened.text.index("è")] :].startswith(r"\'e8")
    assert source[opened.places[opened.text.index("β")] :].startswith(r"\u946")
    assert len(opened.places) == len(opened.text)
