"""Times in words, in the hospital's zone (pure).

A date without a time belongs to no zone and stays as it is.
"""

from datetime import UTC, date, datetime, tzinfo
from typing import Final

from shared import instants
from shared.fhir.times.stated import date_time

YESTERDAY: Final = 1
"""Days ago."""


def when(text: str | None, zone: tzinfo = UTC) -> str:
    """Write `22 Nov 2026, 15:49 CET`.

    A date stays a date, and what is no time stays as it is.
    """
    stated = date_time(text)
    if stated is None:
        return text or ""
    if "T" not in stated:
        return _date(stated)
    moment = _local(stated, zone)
    return f"{_day(moment.date())}, {_hour(moment)}"


def relative(text: str | None, zone: tzinfo, today: date) -> str:
    """Write `today, 15:49 CET` or `yesterday, ...`; else as `when` does."""
    stated = date_time(text)
    gone = {today.toordinal(): "today", today.toordinal() - YESTERDAY: "yesterday"}
    on = date_in(stated, zone)
    word = gone.get(on.toordinal()) if on else None
    if stated is None or word is None:
        return when(text, zone)
    return f"{word}, {_hour(_local(stated, zone))}" if "T" in stated else word


def day(text: str | None, zone: tzinfo = UTC) -> str:
    """Write `26 Aug 2004`, `Aug 2004` or `2004`: the day in the zone."""
    stated = date_time(text)
    if stated is None:
        return text or ""
    return _day(_local(stated, zone).date()) if "T" in stated else _date(stated)


def date_in(text: str | None, zone: tzinfo) -> date | None:
    """Return the date of a time in a zone; None where not even the day is stated."""
    stated = date_time(text)
    if stated is None or len(stated) < 10:
        return None
    return _local(stated, zone).date() if "T" in stated else date.fromisoformat(stated)


def ago(text: str | None, zone: tzinfo, today: date) -> str:
    """Tell how long ago: `22 years ago`, `5 months ago`, `12 days ago`.

    Empty where it is of these days, or unknown.
    """
    span = instants.days(date_time(text) or "")
    if span is None:
        return ""
    latest = date_in(text, zone) or span[1]
    if latest > today:
        return "" if span[0] <= today else "in the future"

    days = (today - latest).days
    months = (today.year - latest.year) * 12 + today.month - latest.month - (today.day < latest.day)
    for number, unit in ((months // 12, "years"), (months, "months"), (days, "days")):
        if number >= 2:
            return f"{number} {unit} ago"
    return ""


def _local(stated: str, zone: tzinfo) -> datetime:
    return instants.start(stated).astimezone(zone)


def _hour(moment: datetime) -> str:
    """Write the time with the zone's abbreviation; some zones have a number alone."""
    name = moment.tzname() or ""
    return f"{moment:%H:%M} {'UTC' if name[:1] in '+-' else ''}{name}"


def _date(stated: str) -> str:
    begin = instants.start(stated)
    return {4: stated, 7: f"{begin:%b %Y}"}.get(len(stated)) or _day(begin.date())


def _day(on: date) -> str:
    return f"{on.day} {on:%b %Y}"
