"""Check what a clinician typed: it is text that everybody can see (pure).

A character that nobody sees may hide a word, turn the order of the others round, or make an empty
reason look like one. It is refused with its name, and so is a text that is too long: nothing is
cut. What is typed stays in the form.
"""

import re
from typing import Final

from shared.text.unseen import is_unseen, name_of

UNREADABLE: Final = "\ufffd"
"""What stands for bytes that are no text."""
# Werkzeug leaves half a character, sent as it is, as three escapes; a browser sends U+FFFD for it
HALF: Final = re.compile(r"%ED%[AB][0-9A-F]%[89AB][0-9A-F]")
BEFORE: Final = 20


def plain(raw: str) -> str:
    """Take the line ends of a browser and the blanks around it off a text."""
    return HALF.sub(UNREADABLE, raw).replace("\r\n", "\n").replace("\r", "\n").strip()


def problem(text: str, field: str, most: int) -> str:
    """What is wrong with a text; empty: nothing.

    Args:
        field: what people call it, `reason`.
        most: how many characters it may have.
    """
    at = next((i for i in range(len(text)) if _refused(text, i)), None)
    if at is not None:
        return _unseen(text, at, field)
    if len(text) > most:
        return (
            f"The {field} is longer than {most} characters: it has {len(text)}. Nothing was saved, "
            "and nothing was cut. Make it shorter."
        )
    return ""


def seen(text: str) -> str:
    """Return the text for its form again, without what nobody could find in it."""
    return "".join(c for i, c in enumerate(text) if c == UNREADABLE or not _refused(text, i))


def _refused(text: str, at: int) -> bool:
    return text[at] == UNREADABLE or is_unseen(text, at)


def _unseen(text: str, at: int, field: str) -> str:
    before = seen(text[max(0, at - BEFORE) : at]).strip()
    place = f"after “{before}”" if before else "at its beginning"
    if text[at] == UNREADABLE:
        return (
            f"The {field} has a character that can't be read, {place}. Nothing was saved. Type it "
            "again."
        )
    return (
        f"The {field} has a character that nobody can see, {place}: {name_of(text[at])}."
        " Nothing was saved. It is taken out of the form: read the text again, then send it."
    )
