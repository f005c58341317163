"""The elements that are open at a place of a page, and how they are shown.

HTML lets end tags be left out and crossed. No step looks further than a fixed number of elements
back without closing them.
"""

from collections import Counter
from dataclasses import replace
from typing import Final, NamedTuple

from shared.text.doors.markup.styles import PLAIN, STRUCK, Look, Styles
from shared.text.doors.markup.tokens import Token

EMPTY: Final = "area base br col embed hr img input link meta param source track wbr"
VOID: Final = frozenset(EMPTY.split())
CLOSES: Final = {
    "li": ({"li"}, {"ul", "ol", "menu", "table"}),
    "dt": ({"dt", "dd"}, {"dl", "table"}),
    "dd": ({"dt", "dd"}, {"dl", "table"}),
    "td": ({"td", "th"}, {"tr", "table"}),
    "th": ({"td", "th"}, {"tr", "table"}),
    "tr": ({"tr"}, {"table"}),
    "option": ({"option"}, {"select"}),
}
"""What a start tag closes, and where that ends."""
AFTER_PARAGRAPHS: Final = (
    "address article aside blockquote center div dl fieldset figure footer form h1 h2 h3 h4 h5 h6"
    " header hr main menu nav ol p pre section table ul"
)
ENDS_PARAGRAPH: Final = frozenset(AFTER_PARAGRAPHS.split())
FAR: Final = 64
AGAIN: Final = 3
"""Struck-out elements that a crossed end tag leaves open."""


class Open(NamedTuple):
    """An element that is open."""

    name: str
    look: Look


class Elements:
    """The open elements."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        self._open: list[Open] = []
        self._count: Counter[str] = Counter()

    @property
    def look(self) -> Look:
        """How text at this place is shown."""
        return self._open[-1].look if self._open else PLAIN

    def begin(self, tag: Token, *, is_xml: bool = False) -> Look:
        """Open the element of a start tag; return how it is shown."""
        if not is_xml:
            if tag.name in ENDS_PARAGRAPH:
                self._close({"p"}, {"table", "td", "th", "button"})
            if tag.name in CLOSES:
                self._close(*CLOSES[tag.name])
        look = self._styles.look(tag, self.look)
        if not tag.is_empty and (is_xml or tag.name not in VOID):
            self._push(Open(tag.name, look))
        return look

    def end(self, name: str) -> Look:
        """Close the element of an end tag; return how it was shown.

        One that was never opened closes nothing.
        """
        if not self._count[name]:
            return self.look
        crossed: list[Open] = []
        while (last := self._pop()).name != name:
            if last.name in STRUCK and len(crossed) < AGAIN:
                crossed.append(last)
        for one in reversed(crossed) if name not in ENDS_PARAGRAPH else ():
            self._push(one._replace(look=replace(self.look, struck=True)))
        return last.look

    def _close(self, names: set[str], bounds: set[str]) -> None:
        if not any(self._count[name] for name in names):
            return
        for one in reversed(self._open[-FAR:]):
            if one.name in bounds:
                return
            if one.name in names:
                while self._pop().name not in names:
                    pass
                return

    def _push(self, one: Open) -> None:
        self._open.append(one)
        self._count[one.name] += 1

    def _pop(self) -> Open:
        one = self._open.pop()
        self._count[one.name] -= 1
        return one
