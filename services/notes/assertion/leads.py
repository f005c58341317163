"""Lines that speak for the list below them: `Denies:`, `Return if:` (pure)."""

import re
from collections.abc import Sequence
from typing import Final

from services.notes.reading.sections import OTHER, Section, section_at
from services.notes.reading.sentences import Span

ITEM: Final = re.compile(r"[ \t]*(?:[-*•>#]|\d{1,2}[.)])[ \t]*\S")
LONGEST_ITEM: Final = 60
"""Characters of a list's line without a bullet; a longer one is prose."""
GAP: Final = re.compile(r"\n[ \t\r]*\n")


def leads(text: str, sentences: Sequence[Span], sections: Sequence[Section]) -> list[Span | None]:
    """Return for each sentence the line that leads its list, if one does."""
    found: list[Span | None] = []
    lead: Span | None = None
    heading = -1
    for at, (start, end) in enumerate(sentences):
        section = section_at(sections, start)
        if section.start != heading:
            heading = section.start
            lead = (section.start, section.body) if section.category == OTHER else None
        elif lead and not _continues(text, sentences[at - 1], (start, end)):
            lead = None
        found.append(lead)
        if text[end - 1] == ":":
            lead = (start, end)
    return found


def _continues(text: str, before: Span, span: Span) -> bool:
    start, end = span
    line = text.rfind("\n", 0, start) + 1
    if ITEM.match(text, line, end):
        return True
    if GAP.search(text, before[1], start):
        return False
    return end - start <= LONGEST_ITEM and before[1] <= line
