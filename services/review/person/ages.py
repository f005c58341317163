"""How old a person is, in words (pure)."""

from datetime import date
from typing import Final

from shared import instants

MONTHS_UNTIL: Final = 24
"""A child younger than this many months is counted in months, in its first month in days."""


def age(birth: str | None, on: date) -> str | None:
    """Tell the age on a day: `86 y`, `5 months`, `12 days`.

    None without a birth date, or with one that is still to come. A year or a month alone gives
    `about 86 y`.
    """
    span = instants.days(birth or "")
    if span is None or span[0] > on:
        return None
    born, last = span
    if born != last:
        return f"about {on.year - born.year} y"

    months = (on.year - born.year) * 12 + on.month - born.month - (on.day < born.day)
    if months >= MONTHS_UNTIL:
        return f"{months // 12} y"
    return _counted(months, "month") if months else _counted((on - born).days, "day")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
