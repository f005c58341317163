"""The sections of a note, by their headings (pure).

Titles and what follows from them: `data/sections.toml`.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from services.notes.domain import Assertion
from services.notes.reading.lexicon import find_terms
from services.notes.reading.tables import table

OTHER = "other"
WORD = re.compile(r"[^\W\d_]+")
INSIDE = frozenset(table("sections")["inside"]["words"])
"""Words of lines within a section: relatives, answers, kinds of allergies."""


@dataclass(frozen=True)
class Section:
    """From its heading to the next one.

    Attributes:
        category: a table of sections.toml, `other` for an unknown heading, empty before the first
            heading.
        start: where the heading begins. body: where the text after the heading begins. end: where
            the next section begins.
        assertion: what the section alone says of a mention, or None.
        lists_drugs: a chemical named here is a drug that is taken.
    """

    category: str
    start: int
    body: int
    end: int
    assertion: Assertion | None = None
    lists_drugs: bool = False


def find_sections(text: str) -> list[Section]:
    """All sections in order; together they cover the text."""
    heads = sorted(
        {
            m.start(g): (m.end(), _category(m[g])) for m in _headings(text) for g in [_group(m)]
        }.items()
    )
    starts = [(0, 0, ""), *((start, body, category) for start, (body, category) in heads)]
    ends = [start for start, _, _ in starts[1:]] + [len(text)]
    return [
        _section(category, start, body, end)
        for (start, body, category), end in zip(starts, ends, strict=True)
    ]


def section_at(sections: Sequence[Section], offset: int) -> Section:
    """The section that the offset lies in."""
    return sections[bisect_right(sections, offset, key=lambda s: s.start) - 1]


def _section(category: str, start: int, body: int, end: int) -> Section:
    entry = table("sections").get(category, {})
    return Section(category, start, body, end, entry.get("assertion"), bool(entry.get("drugs")))


def _headings(text: str) -> list[re.Match[str]]:
    """Known titles at the start of a line or, in capitals with a colon, within it.

    Unknown ones on a line of their own after an empty line, or before text on their line.

    Later matches in this list win at the same place, so the known ones come last.
    """
    line, capitals, unknown, inline = _patterns()
    new = [m for m in inline.finditer(text) if _opens_section(m.group(_group(m)))]
    return [*new, *unknown.finditer(text), *capitals.finditer(text), *line.finditer(text)]


def _opens_section(title: str) -> bool:
    """Tell whether an unknown title with text on its line begins a section.

    What names a problem, a drug or a relative is a line of the section above: `Mother: gout`.
    """
    words = [w.casefold() for w in WORD.findall(title)]
    return not INSIDE.intersection(words) and next(find_terms(title), None) is None


def _group(heading: re.Match[str]) -> str:
    return next(name for name, title in heading.groupdict().items() if title is not None)


def _category(title: str) -> str:
    return _titles().get(" ".join(title.casefold().split()), OTHER)


@cache
def _titles() -> dict[str, str]:
    return {
        title: category
        for category, entry in table("sections").items()
        for title in entry["titles"]
    }


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """What repeats is possessive (`*+`).

    A line of asterisks that two parts of a pattern could share out between them would be tried in
    every way.
    """
    lead = r"^[ \t]*+(?:[#*•>-]++[ \t]*+|\d{1,2}[.)][ \t]++)?\**+"
    short = _alternatives(table("sections")["dashed"]["short"])
    line = re.compile(
        rf"{lead}(?P<title>{_alternatives(_titles())})\**+[ \t]*+(?::\**+|(?=[ \t\r]*+$))"
        rf"|^[ \t]*+(?P<dashed>{short})(?:[.]|[ \t]*+-)(?=[ \t])",
        re.IGNORECASE | re.MULTILINE,
    )
    capitals = re.compile(
        rf"(?<=[.;][ \t])(?=[A-Z])(?P<title>(?i:{_alternatives(_titles())}))[ \t]*+:"
    )
    unknown = re.compile(
        r"(?:\A|\n[ \t\r]*+\n)[ \t]*+(?P<title>[A-Z][A-Za-z /&()-]{2,50})[ \t]*+:(?=[ \t\r]*+$)",
        re.MULTILINE,
    )
    inline = re.compile(
        rf"{lead}(?P<title>[A-Z][\w/&'()-]*+(?:[ \t]+[\w/&'()-]++){{0,5}})"
        r"\**+[ \t]*+:\**+(?=[ \t]*+\S)"
        r"|^[ \t]*+(?P<capitals>[A-Z][A-Z/&'-]++(?:[ \t]+[A-Z/&'-]++){0,5})[ \t\r]*+(?=\n[ \t]*\S)"
        r"|^[ \t]*+(?P<hyphened>[A-Z][\w/&']*+(?:[ \t]+[\w/&']++){0,2})[ \t]++-(?=[ \t]+[^\s\d])"
        r"|(?<= {2})(?P<dashed>[A-Z][A-Z /&-]{3,40})[ \t]*+:"
        r"|(?<=\n\n)(?P<alone>[A-Z][\w/&'-]*+(?:[ \t]+[\w/&'-]++){0,4})[ \t\r]*+(?=\n[ \t]*\S)",
        re.MULTILINE,
    )
    return line, capitals, unknown, inline


def _alternatives(titles: Iterable[str]) -> str:
    return "|".join(
        r"[ \t]++".join(map(re.escape, t.split())) for t in sorted(titles, key=len, reverse=True)
    )
