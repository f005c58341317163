"""Sentences of clinical text (pure).

A list's line is a sentence, a wrapped line is not.

Clinical notes are lists as much as prose, so a line break ends a sentence unless the next line
plainly continues it.
"""

import re
from collections.abc import Iterator, Sequence

from services.notes.reading.sections import Section

Span = tuple[int, int]
# characters: no sentence is as long, and the rules compare each name of a sentence with its cues
LONGEST = 2000
WRAPPED = 45  # characters: a shorter line was not broken by a right margin
BREAK = re.compile(r"\n[ \t\r\n]*+")
BLANK = " \t\r"
TITLES = (
    r"(?<!\b[A-Z]\.)(?<!\b[Dd]r\.)(?<!\b[Mm]rs\.)(?<!\b[Mm]r\.)(?<!\b[Mm]s\.)"
    r"(?<!\bvs\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bapprox\.)"
)
STOP = re.compile(rf"(?:(?<=[.!;])|(?<=[\w)\"']\?)){TITLES}[)\"']?[ \t]+(?=[A-Z0-9(\"'#*•-])")
BULLET = re.compile(r"\s*(?:[-*•>#]+\s+)?")
NUMBERED = re.compile(r"\s*\d{1,2}[.)]$")
CONTINUES = re.compile(r"[a-z(,]")
ANSWER = re.compile(r"(?:[:?\t]| {2,}|-)[ \t]*no$", re.IGNORECASE)
"""A form's line: `Syncope    No` goes on in no other."""
LAST_BLANK = re.compile(r".*\s", re.DOTALL)
LAST_MARK = re.compile(r".*[^A-Za-z0-9]", re.DOTALL)
OPEN = re.compile(
    r"(?:[,/]|\b(?:and|or|with|of|for|to|the|a|an|no|without|denies|in|on|by))$", re.IGNORECASE
)


def find_sentences(text: str, sections: Sequence[Section]) -> list[Span]:
    """Return (start, end) of each sentence, in order.

    Without the white space around it or its bullet; headings are in none.

    What has no end within LONGEST characters is cut there, at a blank or between words if it can
    be.
    """
    return [
        piece
        for section in sections
        for span in _within(text, section.body, section.end)
        for piece in _cut(text, *span)
    ]


def _cut(text: str, start: int, end: int) -> Iterator[Span]:
    while end - start > LONGEST:
        place = LAST_BLANK.match(text, start, start + LONGEST) or LAST_MARK.match(
            text, start, start + LONGEST
        )
        stop = place.end() if place else start + LONGEST
        yield start, stop - len(text[start:stop]) + len(text[start:stop].rstrip())
        start = stop
        while text[start].isspace():
            start += 1
    yield start, end


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
    for stop, following in _breaks(text, start, end):
        if not _continues(text, line, (stop, following), end):
            yield at, stop
            at = following
        line = following
    yield at, end


def _breaks(text: str, start: int, end: int) -> Iterator[Span]:
    """Line breaks with the blanks around them.

    (A pattern that begins with blanks would try each of them anew: half a minute for a stripped
    style sheet.)
    """
    line = start
    for found in BREAK.finditer(text, start, end):
        stop = found.start()
        while stop > line and text[stop - 1] in BLANK:
            stop -= 1
        yield stop, found.end()
        line = found.end()


def _continues(text: str, line: int, found: Span, end: int) -> bool:
    stop, following = found
    if (
        text.count("\n", stop, following) > 1
        or following >= end
        or text[stop - 1 : stop] in {".", ":", ";", "?", "!"}
    ):
        return False
    if OPEN.search(text, line, stop) and not ANSWER.search(text, line, stop):
        return stop - line >= WRAPPED or text[stop - 1] != ","
    return stop - line >= WRAPPED and CONTINUES.match(text, following) is not None


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    # BULLET matches the empty text, too: never None
    start += len(BULLET.match(text, start, end)[0])  # type: ignore[index]
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
