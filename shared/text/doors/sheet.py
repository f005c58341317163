"""A text as it is laid out, each character with its place in the source.

White space runs together as a browser shows it. A row of a table is one line, unless its cells hold
lines of their own: then the table only places what it holds, and each cell begins a line.
"""

import re
from array import array
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from shared.text.doors.opened import Span

Sort = Literal["run", "kept", "block", "line", "cell"]
STRETCH: Final = re.compile(r"[^ \t\n\r\f]+(?: [^ \t\n\r\f]+)*")
LONGEST_ROW: Final = 1_000
"""Characters of one row of data; a longer one places paragraphs."""
LINES_IN_CELL: Final = 2
"""A cell of data has so many more lines at most."""


class Piece(NamedTuple):
    """A piece of the text, or a break in it.

    Attributes:
        sort: `run` (white space runs together), `kept` (as it stands), `block` (a line ends here if
            it holds anything), `line` (a line ends here), `cell`.
        place: of its first character; `spread`: those that follow stand behind it in the source,
            else at the same place.
    """

    sort: Sort
    chars: str
    place: int
    spread: bool
    struck: bool


@dataclass
class Row:
    """A row that is open."""

    begin: int
    cells: list[int] = field(default_factory=list)
    nests: bool = False


class Sheet:
    """Collects the pieces of a text."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._rows: list[Row] = []
        self.struck = False

    def add(self, chars: str, place: int, *, kept: bool = False, spread: bool = True) -> None:
        """Add characters that stand in the source from `place` on."""
        if chars:
            sort: Sort = "kept" if kept else "run"
            self._pieces.append(Piece(sort, chars, place, spread, self.struck))

    def block(self, place: int) -> None:
        """End the line, if it holds anything."""
        self._break("block", place)

    def line(self, place: int) -> None:
        """End the line."""
        self._break("line", place)

    def begin_row(self) -> None:
        """Begin a row; one within another tells that the outer one only places it."""
        if self._rows:
            self._rows[-1].nests = True
        self._rows.append(Row(len(self._pieces)))

    def cell(self, place: int) -> None:
        """Part two cells."""
        if self._rows:
            self._rows[-1].cells.append(len(self._pieces))
        self._break("cell", place)

    def end_row(self, place: int) -> None:
        """End the row and its line; RTF ends each cell, the last one, too."""
        if self._rows and self._rows[-1].cells and self._pieces[-1].sort == "cell":
            self._rows[-1].cells.pop()
            self._pieces.pop()
        if self._rows:
            self._settle(self._rows.pop())
        self.block(place)

    def finish(self) -> tuple[str, "array[int]", tuple[Span, ...]]:
        """Return the text, its places and what is struck out in it."""
        while self._rows:
            self._settle(self._rows.pop())
        return _Layout().laid(self._pieces)

    def _break(self, sort: Sort, place: int) -> None:
        self._pieces.append(Piece(sort, "", place, False, False))

    def _settle(self, row: Row) -> None:
        """Make the breaks in cells blanks, or the cells lines."""
        pieces = self._pieces
        if row.nests or (row.cells and not _is_data(pieces[row.begin :], len(row.cells))):
            for i in row.cells:
                pieces[i] = pieces[i]._replace(sort="block")
        elif row.cells:
            for i in range(row.begin, len(pieces)):
                if pieces[i].sort in ("block", "line"):
                    pieces[i] = pieces[i]._replace(sort="run", chars=" ")


def _is_data(pieces: list[Piece], cells: int) -> bool:
    """Tell whether a row's cells hold words, not paragraphs."""
    length = more_lines = 0
    begun = broken = False
    for piece in pieces:
        if piece.sort == "cell":
            begun = broken = False
        elif piece.sort in ("block", "line"):
            broken = begun
        elif piece.chars.strip():
            length += len(piece.chars)
            more_lines += broken
            begun, broken = True, False
    return length <= LONGEST_ROW and more_lines <= LINES_IN_CELL * cells


class _Layout:
    """Writes pieces out, one after another."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.length = 0
        self.places = array("L")
        self.struck: list[Span] = []
        self.empty = True  # the line holds nothing yet
        self.fresh = True  # no blank is needed before the next word
        self.blank: Piece | None = None  # white space that was not written yet

    def laid(self, pieces: list[Piece]) -> tuple[str, "array[int]", tuple[Span, ...]]:
        for piece in pieces:
            if piece.sort == "run":
                self._run(piece)
            elif piece.sort == "kept":
                self._kept(piece)
            elif piece.sort == "cell":
                self._put(piece._replace(chars="\t"))
                self.empty, self.fresh, self.blank = False, True, None
            elif piece.sort == "line" or not self.empty:
                self._put(piece._replace(chars="\n"))
                self.empty, self.fresh, self.blank = True, True, None
        return "".join(self.out), self.places, tuple(self.struck)

    def _run(self, piece: Piece) -> None:
        chars, behind = piece.chars, 0
        for found in STRETCH.finditer(chars):
            if found.start() > behind:
                self.blank = _part(piece, " ", behind)
            self._word(_part(piece, found[0], found.start()))
            behind = found.end()
        if behind < len(chars):
            self.blank = _part(piece, " ", behind)

    def _kept(self, piece: Piece) -> None:
        if piece.chars[0].isspace():
            self.fresh = True
        self._word(piece)
        self.empty = piece.chars.endswith("\n")
        self.fresh = piece.chars[-1].isspace()

    def _word(self, piece: Piece) -> None:
        if self.blank is not None and not self.fresh:
            self._put(self.blank)
        self.blank = None
        self._put(piece)
        self.empty = self.fresh = False

    def _put(self, piece: Piece) -> None:
        start, end = self.length, self.length + len(piece.chars)
        self.out.append(piece.chars)
        self.length = end
        if piece.spread:
            self.places.extend(range(piece.place, piece.place + end - start))
        else:
            self.places.extend([piece.place] * (end - start))
        if piece.struck:
            self._strike(start, end)

    def _strike(self, start: int, end: int) -> None:
        if self.struck and self.struck[-1].end == start:
            start = self.struck.pop().start
        self.struck.append(Span(start, end))


def _part(piece: Piece, chars: str, offset: int) -> Piece:
    place = piece.place + offset if piece.spread else piece.place
    return piece._replace(chars=chars, place=place)
