"""The text of RTF 1.9, each character with its place in the source.

The source is decoded as Latin-1: a place is a byte. Groups nest as deep as they like, a length that
points behind the end ends there, and every step moves on.
"""

import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from shared.text.doors.opened import Span
from shared.text.doors.rtf import words
from shared.text.doors.rtf.codepages import (
    ANSI,
    CHARSETS,
    PAGES,
    SYMBOL,
    SYMBOL_CHARSET,
    Bytes,
    sign,
)
from shared.text.doors.sheet import Sheet

TOKEN: Final = re.compile(
    r"\\(?:(?P<word>[A-Za-z]{1,32})(?P<number>-?\d{1,9})? ?"
    r"|'(?P<hex>[0-9A-Fa-f]{2})|(?P<sign>[^A-Za-z]))"
    r"|(?P<brace>[{}])|(?P<text>[^\\{}\r\n]+)|[\r\n\\]+",
    re.DOTALL,
)
HIGH: Final = range(0xD800, 0xDC00)
LOW: Final = range(0xDC00, 0xE000)


@dataclass(frozen=True)
class Group:
    """What holds within a group.

    Attributes:
        skipped: it holds no text. fonts: it is the font table.
        fallback: characters that follow a `\\u` for readers without Unicode.
        page: the code page of its bytes.
    """

    skipped: bool = False
    fonts: bool = False
    hidden: bool = False
    struck: bool = False
    fallback: int = 1
    page: str = ANSI


def read_rtf(source: str) -> tuple[str, "array[int]", tuple[Span, ...]]:
    """Return the text, the place of each character, and what is struck out."""
    reader = _Reader(source)
    at = 0
    while found := TOKEN.match(source, at):
        at = reader.take(found)
    return reader.finish()


@dataclass
class _Reader:
    """A document as far as it was read."""

    source: str
    sheet: Sheet = field(default_factory=Sheet)
    group: Group = field(default_factory=Group)
    outer: list[Group] = field(default_factory=list)
    page: str = ANSI
    fonts: dict[int, str] = field(default_factory=dict)
    font: int = 0
    to_skip: int = 0
    first: bool = False  # in its group: a destination stands here
    starred: bool = False
    in_row: bool = False
    high: tuple[int, int] | None = None  # half a character of `\u`, and its place

    def __post_init__(self) -> None:
        self.bytes = Bytes(self.sheet)

    def finish(self) -> tuple[str, "array[int]", tuple[Span, ...]]:
        self._settle()
        return self.sheet.finish()

    def take(self, found: re.Match[str]) -> int:
        """Read one token; return where the next one begins."""
        if found["brace"]:
            self._brace(found[0])
        elif found["word"]:
            return self._word(found)
        elif found["hex"]:
            self._first_is_over()
            self._byte(int(found["hex"], 16), found.start())
        elif found["sign"]:
            self._sign(found)
        elif found["text"]:
            self._first_is_over()
            self._text(found["text"], found.start())
        return found.end()

    @property
    def shows(self) -> bool:
        return not (self.group.skipped or self.group.hidden)

    def _first_is_over(self) -> None:
        self.first = self.starred = False

    def _brace(self, brace: str) -> None:
        self._settle()
        self.to_skip = 0
        if brace == "{":
            self.outer.append(self.group)
            self.first, self.starred = True, False
        elif self.outer:
            self.group = self.outer.pop()
            self.first = False

    def _sign(self, found: re.Match[str]) -> None:
        char = found["sign"]
        if char == "*" and self.first:
            self.starred = True
        elif char in "\r\n":
            self._break(self.sheet.block, found.start())
        elif char in words.CHARACTERS:
            self._first_is_over()
            self._put(words.CHARACTERS[char], found.start())

    def _word(self, found: re.Match[str]) -> int:
        word, number = found["word"], found["number"]
        value = int(number) if number else None
        if word == "bin":
            return min(found.end() + max(value or 0, 0), len(self.source))
        if self.first:
            self._destination(word)
        if word == "u" and value is not None:
            self._unicode(value, found.start())
        elif word in words.CHARACTERS:
            self._put(words.CHARACTERS[word], found.start())
        elif not self._layout(word, found.start()):
            self._state(word, value)
        return found.end()

    def _destination(self, word: str) -> None:
        skipped = word in words.SKIPPED or (self.starred and word not in words.SHOWN)
        if skipped:
            self.group = replace(self.group, skipped=True, fonts=word == "fonttbl")
        self._first_is_over()

    def _layout(self, word: str, place: int) -> bool:
        if word in words.BREAKS:
            self._break(self.sheet.line, place)
        elif word in words.CELLS:
            self._break(self._cell, place)
        elif word in words.ROWS:
            self._break(self._end_row, place)
        elif word == "trowd" and not self.in_row and self.shows:
            self._settle()
            self._begin_row(place)
        else:
            return False
        return True

    def _break(self, how: Callable[[int], None], place: int) -> None:
        self._settle()
        if self.shows:
            how(place)

    def _begin_row(self, place: int) -> None:
        self.sheet.block(place)
        self.sheet.begin_row()
        self.in_row = True

    def _cell(self, place: int) -> None:
        if not self.in_row:
            self._begin_row(place)
        self.sheet.cell(place)

    def _end_row(self, place: int) -> None:
        if self.in_row:
            self.sheet.end_row(place)
        self.in_row = False

    def _state(self, word: str, value: int | None) -> None:
        on = value != 0
        if word == "plain":
            self.group = replace(self.group, hidden=False, struck=False)
        elif word in words.STRIKES:
            self.group = replace(self.group, struck=on)
        elif word in words.HIDES:
            self.group = replace(self.group, hidden=on)
        elif word == "uc":
            self.group = replace(self.group, fallback=min(max(value or 0, 0), 9))
        elif word in ("f", "fcharset", "ansicpg") or word in words.DOCUMENT_PAGES:
            self._choose_page(word, value or 0)

    def _choose_page(self, word: str, value: int) -> None:
        if word == "f" and self.group.fonts:
            self.font = value
        elif word == "f":
            self.group = replace(self.group, page=self.fonts.get(value, self.page))
        elif word == "fcharset" and self.group.fonts:
            page = SYMBOL if value == SYMBOL_CHARSET else CHARSETS.get(value, self.page)
            self.fonts[self.font] = page
        elif word == "ansicpg":
            self.page = PAGES.get(value, self.page)
            self.group = replace(self.group, page=self.page)
        elif word in words.DOCUMENT_PAGES:
            self.page = words.DOCUMENT_PAGES[word]
            self.group = replace(self.group, page=self.page)

    def _text(self, text: str, place: int) -> None:
        skipped = min(self.to_skip, len(text))
        self.to_skip -= skipped
        text, place = text[skipped:], place + skipped
        if not text or not self.shows:
            return
        self._half()
        self.sheet.struck = self.group.struck
        if self.bytes.waits:
            self.bytes.add(text[0].encode("latin-1"), place, 1, self.group.page)
            text, place = text[1:], place + 1
        if text.isascii() and self.group.page != SYMBOL:
            self.sheet.add(text, place, kept=True)
        else:
            self.bytes.add(text.encode("latin-1"), place, 1, self.group.page)

    def _byte(self, byte: int, place: int) -> None:
        if self.to_skip:
            self.to_skip -= 1
        elif self.shows:
            self._half()
            self.sheet.struck = self.group.struck
            self.bytes.add(bytes((byte,)), place, 4, self.group.page)

    def _put(self, chars: str, place: int) -> None:
        if self.to_skip:
            self.to_skip -= 1
            return
        self._settle()
        if self.shows:
            self.sheet.struck = self.group.struck
            self.sheet.add(chars, place, kept=True, spread=False)

    def _unicode(self, value: int, place: int) -> None:
        self.to_skip = self.group.fallback
        code = value & 0xFFFF if value < 0x10000 else value
        if not self.shows or code > 0x10FFFF:
            return
        self.sheet.struck = self.group.struck
        if code in HIGH:
            self._settle()
            self.high = (code, place)
        elif code in LOW and self.high is not None:
            begun = self.high
            self.high = None
            joined = 0x10000 + ((begun[0] - 0xD800) << 10) + (code - 0xDC00)
            self.sheet.add(chr(joined), begun[1], kept=True, spread=False)
        else:
            self._settle()
            char = sign(code) if code >> 8 == 0xF0 else chr(code)
            shown = "\ufffd" if code in LOW else char
            self.sheet.add(shown, place, kept=True, spread=False)

    def _settle(self) -> None:
        self.bytes.flush()
        self._half()

    def _half(self) -> None:
        if self.high is not None:
            self.sheet.add("\ufffd", self.high[1], kept=True, spread=False)
            self.high = None
