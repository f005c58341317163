"""The letters that a printed report can show (pure).

The font has Latin, Greek, Cyrillic, Armenian and Georgian. Nothing is shaped or set from right to
left, so Arabic, Hebrew, Chinese, Devanagari and others can't be printed: each run of them becomes
`[?]`, and the report says so. A box, or letters in the wrong order, could pass for a name.
"""

import unicodedata
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

from services.review.report.content import Report, Section

LOST: Final = "[?]"
UNPRINTABLE: Final = (
    "Some letters can't be printed here and stand as [?]. Read them on the page of the result. "
    "They are in:"
)
FROM_RIGHT: Final = frozenset({"R", "AL", "AN"})
UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
BREAKS: Final = {"\r\n": "\n", "\r": "\n", "\t": " ", "\u2028": "\n", "\u2029": "\n", "\xad": ""}


def printable(text: str, glyphs: Collection[int]) -> str:
    """Return the text with `[?]` in place of what the font can't show.

    Args:
        glyphs: the code points that the font has.
    """
    for written, meant in BREAKS.items():
        text = text.replace(written, meant)
    shown: list[str] = []
    for char in unicodedata.normalize("NFC", text):
        if char == "\n" or _can(char, glyphs):
            shown.append(char)
        elif not shown or shown[-1] != LOST:
            shown.append(LOST)
    return "".join(shown)


def _can(char: str, glyphs: Collection[int]) -> bool:
    return (
        ord(char) in glyphs
        and unicodedata.category(char) not in UNSEEN
        and unicodedata.bidirectional(char) not in FROM_RIGHT
    )


def shown(report: Report, glyphs: Collection[int]) -> Report:
    """Return the report as it can be printed.

    Where letters are lost, a warning names the places.

    Args:
        glyphs: the code points that the font has.
    """
    lost = dict.fromkeys(place for place, text in report.texts() if _loses(text, glyphs))
    warning = [f"{UNPRINTABLE} {', '.join(lost)}."] if lost else []

    def clear(text: str) -> str:
        return printable(text, glyphs)

    return replace(
        report,
        title=clear(report.title),
        standing=clear(report.standing),
        drafted=clear(report.drafted),
        patient=[(clear(label), clear(value)) for label, value in report.patient],
        patient_line=clear(report.patient_line),
        sections=[_section(section, clear) for section in report.sections],
        printed=clear(report.printed),
        warnings=[*warning, *map(clear, report.warnings)],
    )


def _loses(text: str, glyphs: Collection[int]) -> bool:
    return printable(text, glyphs).count(LOST) > text.count(LOST)


def _section(section: Section, clear: Callable[[str], str]) -> Section:
    lines = [
        replace(line, runs=[replace(run, text=clear(run.text)) for run in line.runs])
        for line in section.lines
    ]
    return Section(clear(section.title), lines)
