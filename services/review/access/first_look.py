"""Which readers see a film before the AI's answer, and what they have looked at.

A wrong answer that is seen first draws its reader along. What a reader looked at is kept in the
session alone: another session asks for a look of its own.
"""

from collections.abc import Iterable
from typing import Final

from flask import session

from services.review.access.session import User

LOOKS: Final = "looks"
EVERYBODY: Final = "*"
KEPT: Final = 100
"""Looks that a session remembers; what was looked at before those is looked at again."""


def sees_film_first(user: User, roles: str) -> bool:
    """Tell whether this user sees films first: `CARELOOP_REVIEW_FILM_FIRST`."""
    named = {role.strip() for role in roles.split(",")} - {""}
    return EVERYBODY in named or bool(named & set(user.roles))


def looked_until(task_id: str) -> str | None:
    """Return when the look at this result's film ended.

    Empty where there was no film to look at; None where nobody looked yet.
    """
    look = _looks().get(task_id)
    return look[0] if look else None


def is_seen(reference: str) -> bool:
    """Tell whether this resource belongs to a result that was looked at."""
    return any(reference in look[1:] for look in _looks().values())


def note_look(task_id: str, outputs: Iterable[str], until: str = "") -> None:
    """Note that the answer may be seen from now on; the first time stays.

    Args:
        outputs: `Type/id` of everything that the result holds.
        until: an instant; empty: there was no film to look at.
    """
    looks = dict(_looks())
    looks.setdefault(task_id, [until, *outputs])
    session[LOOKS] = dict(list(looks.items())[-KEPT:])


def _looks() -> dict[str, list[str]]:
    kept: dict[str, list[str]] = session.get(LOOKS, {})
    return kept
