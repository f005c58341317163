"""Sentences of clinical text (pure): a list's line is a sentence, a wrapped line is not.

Clinical notes are lists as much as prose, so a line break ends a sentence unless the next line plainly continues it.
"""

import re
from collections.abc import Iterator, Sequence

from services.notes.sections import Section

Span = tuple[int, int]
WRAPPED = 45  # characters: a shorter line was not broken by a right margin
BREAK = re.compile(r"[ \t\r]*\n[ \t\r\n]*")
TITLES = r"(?<!\b[A-Z]\.)(?<!\b[Dd]r\.)(?<!\b[Mm]rs\.)(?<!\b[Mm]r\.)(?<!\b[Mm]s\.)(?<!\bvs\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bapprox\.)"
STOP = re.compile(rf"(?<=[.!?;]){TITLES}[)\"']?[ \t]+(?=[A-Z0-9(\"'#*•-])")
BULLET = re.compile(r"\s*(?:[-*•>#]+\s+)?")
NUMBERED = re.compile(r"\s*\d{1,2}[.)]$")
CONTINUES = re.compile(r"[a-z(,]")
OPEN = re.compile(r"(?:[,/]|\b(?:and|or|with|of|for|to|the|a|an|no|without|denies|in|on|by))$", re.IGNORECASE)


def find_sentences(text: str, sections: Sequence[Section]) -> list[Span]:
    """(start, end) of each sentence, in order, without the white space around it or its bullet; headings are in none."""
    return [span for section in sections for span in _within(text, section.body, section.end)]


def _within(text: str, start: int, end: int) -> Iterator[Span]:
    for first, last in _lines(text, start, end):
        at = first
        for stop in STOP.finditer(text, first, last):
            if not NUMBERED.fullmatch(text, at, stop.start()):
                yield from _trimmed(text, at, stop.start())
                at = stop.end()
        yield from _trimmed(text, at, last)


def _lines(text: str, start: int, end: int) -> Iterator[Span]:
    """Logical lines: a line break inside a sentence is kept within it."""
    at = line = start
    for found in BREAK.finditer(text, start, end):
        if not _continues(text, line, found, end):
            yield at, found.start()
            at = found.end()
        line = found.end()
    yield at, end


def _continues(text: str, line: int, found: re.Match[str], end: int) -> bool:
    if found[0].count("\n") > 1 or found.end() >= end or text[found.start() - 1 : found.start()] in {".", ":", ";", "?", "!"}:
        return False
    if OPEN.search(text, line, found.start()):
        return found.start() - line >= WRAPPED or text[found.start() - 1] != ","
    return found.start() - line >= WRAPPED and CONTINUES.match(text, found.end()) is not None


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    start += len(BULLET.match(text, start, end)[0])  # type: ignore[index]  # BULLET matches the empty text, too: never None
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
