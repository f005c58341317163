"""What the styles of a page hide or strike out.

Attributes of a tag, and the rules of `style` elements for one class, identifier or element. Styles
that other files hold are not known.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.text.doors.markup.tokens import Token

HIDES: Final = {
    "display": re.compile(r"none\b"),
    "visibility": re.compile(r"(?:hidden|collapse)\b"),
    "mso-hide": re.compile(r"all\b"),
    "opacity": re.compile(r"0(?:\.0*)?(?![\d.])"),
    "font-size": re.compile(r"0(?:\.0*)?(?:px|pt|em|rem|%)?(?![\w.%])"),
}
KEEPS: Final = re.compile(r"(?:pre|break-spaces)")
SIMPLE: Final = re.compile(r"(?:[\w-]*[.#])?[\w-]+")
STRUCK: Final = frozenset({"s", "strike", "del"})
HIDDEN: Final = frozenset({"script", "style", "title", "template", "datalist"})
"""Elements that are never shown."""
TELLING: Final = re.compile("style|class|id|hidden|revised", re.IGNORECASE)
MOST_RULES: Final = 2_000


@dataclass(frozen=True)
class Look:
    """How an element is shown; each holds for what is in it, too."""

    hidden: bool = False
    struck: bool = False
    kept: bool = False


PLAIN: Final = Look()
OF_ELEMENTS: Final = {
    **dict.fromkeys(STRUCK, Look(struck=True)),
    **dict.fromkeys(HIDDEN, Look(hidden=True)),
    "pre": Look(kept=True),
}


@dataclass
class Styles:
    """The rules of a page."""

    rules: dict[str, Look] = field(default_factory=dict)

    def read(self, sheet: str) -> None:
        """Add the rules of a `style` element."""
        for rule in sheet.split("}"):
            selectors, _, body = rule.rpartition("{")
            look = look_of(body)
            if look == PLAIN or len(self.rules) > MOST_RULES:
                continue
            for selector in selectors.split(","):
                name = selector.strip().lower()
                if SIMPLE.fullmatch(name):
                    self.rules[name] = _both(self.rules.get(name, PLAIN), look)

    def look(self, tag: Token, outer: Look) -> Look:
        """Tell how an element is shown within another one."""
        name = tag.name
        look = _both(outer, OF_ELEMENTS.get(name, PLAIN))
        # of a list of choices the chosen ones are shown
        if name == "option" and "selected" not in tag.attributes:
            look = _both(look, OF_ELEMENTS["template"])
        if self.rules and name in self.rules:
            look = _both(look, self.rules[name])
        if not tag.text or TELLING.search(tag.text) is None:
            return look
        return _both(look, self._stated(name, tag.attributes))

    def _stated(self, name: str, attributes: Mapping[str, str]) -> Look:
        look = look_of(attributes.get("style", ""))
        if "hidden" in attributes and attributes["hidden"].lower() != "until-found":
            look = _both(look, Look(hidden=True))
        if attributes.get("revised", "").lower() == "delete":
            look = _both(look, Look(struck=True))
        if self.rules:
            classes = (f".{c}" for c in attributes.get("class", "").lower().split())
            for key in (*classes, f"#{attributes.get('id', '').lower()}"):
                for wanted in (key, f"{name}{key}"):
                    look = _both(look, self.rules.get(wanted, PLAIN))
        return look


def look_of(style: str) -> Look:
    """Read the declarations of a style."""
    hidden = struck = kept = False
    for declaration in style.lower().split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip(), value.strip()
        hidden |= name in HIDES and HIDES[name].match(value) is not None
        struck |= name.startswith("text-decoration") and "line-through" in value
        kept |= name == "white-space" and KEEPS.match(value) is not None
    return Look(hidden, struck, kept) if hidden or struck or kept else PLAIN


def _both(one: Look, other: Look) -> Look:
    if other is PLAIN or one == other:
        return one
    return Look(one.hidden or other.hidden, one.struck or other.struck, one.kept or other.kept)
