"""Tables of answers within a note: marks below the columns of a header (pure)."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from services.notes.assertion.forms import Answer, Verdict

CELL: Final = re.compile(r"\S+(?: \S+)*")
"""A cell of columns that blanks or tabs keep apart."""
MARK: Final = re.compile(r"(?:[xX*+✓]|\[[xX]\])")
NAMES: Final[dict[Verdict, tuple[str, ...]]] = {
    "present": ("yes", "y", "present", "positive", "reports", "pos", "true", "+"),
    "negated": ("no", "n", "absent", "negative", "denies", "neg", "false", "-"),
    "possible": ("unknown", "unsure", "not asked", "n/a"),
}
HEADS: Final = {name: verdict for verdict, names in NAMES.items() for name in names}
OVER: Final = frozenset({"resolved", "inactive", "past", "closed", "remote"})


def grid_answers(text: str) -> list[Answer]:
    """Return what the tables of a note answer."""
    return [answer for header, rows in _grids(text) for answer in _table(header, rows)]


def _grids(text: str) -> Iterator[tuple[list[re.Match[str]], list[list[re.Match[str]]]]]:
    """Yield header and rows of each table: lines of cells up to a blank line."""
    header: list[re.Match[str]] = []
    rows: list[list[re.Match[str]]] = []
    for cells in _lines(text):
        if header and len(cells) > 1:
            rows.append(cells)
            continue
        if header and rows:
            yield header, rows
        header, rows = (cells, []) if _is_header(cells) else ([], [])
    if header and rows:
        yield header, rows


def _lines(text: str) -> Iterator[list[re.Match[str]]]:
    start = 0
    for line in text.splitlines(keepends=True):
        yield list(CELL.finditer(text, start, start + len(line.rstrip())))
        start += len(line)


def _is_header(cells: Sequence[re.Match[str]]) -> bool:
    names = [_name(c) for c in cells]
    answers = {HEADS[n] for n in names if n in HEADS}
    return len(answers) > 1 or (len(cells) > 1 and "status" in names)


def _table(
    header: Sequence[re.Match[str]], rows: Sequence[Sequence[re.Match[str]]]
) -> Iterator[Answer]:
    is_status = "status" in map(_name, header)
    for label, *others in rows:
        if is_status:
            if others[-1][0].casefold() in OVER:
                yield Answer(label.start(), label.end(), "historical")
            continue
        for mark in others:
            if MARK.fullmatch(mark[0]):
                yield Answer(label.start(), label.end(), _below(header, mark, label.string))


def _below(header: Sequence[re.Match[str]], mark: re.Match[str], text: str) -> Verdict:
    """Return what the nearest column says of a mark."""
    place = _column(text, mark)
    heads = [h for h in header if _name(h) in HEADS]
    nearest = min(heads, key=lambda h: abs(_column(text, h) - place))
    return HEADS[_name(nearest)]


def _name(head: re.Match[str]) -> str:
    return head[0].casefold().strip(":")


def _column(text: str, cell: re.Match[str]) -> float:
    return (cell.start() + cell.end()) / 2 - (text.rfind("\n", 0, cell.start()) + 1)
