"""FHIR instants: UTC, milliseconds, `Z`."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
MILLISECOND: Final = timedelta(milliseconds=1)


def instant(moment: datetime) -> str:
    """Write a moment as `2026-01-01T00:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    """Return this moment, as an instant."""
    return instant(datetime.now(UTC))


def today(zone: tzinfo) -> date:
    """Return the date of this moment in a zone."""
    return datetime.now(zone).date()


def known_zone(name: str) -> str:
    """Return the IANA name of a time zone; ValueError for what is none."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("not an IANA time zone, such as Europe/Berlin") from None


def parse(text: str) -> datetime:
    """Read an instant or a dateTime with zone (R4 2.24.0.1); ValueError for a date."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return moment


def start(text: str) -> datetime:
    """Return the beginning of a date, dateTime or instant, to sort by time.

    Texts with different zones or precisions can't be sorted as they are. A year or a month begins
    on its first day; without a zone UTC is meant. What is no time at all comes before everything
    else.
    """
    first_day = text + {4: "-01-01", 7: "-01"}.get(len(text), "")
    try:
        moment = datetime.fromisoformat(first_day)
    except ValueError:
        return EARLIEST
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def days(text: str) -> tuple[date, date] | None:
    """Return the first and the last day of a date or dateTime; None for what is none."""
    begin = start(text)
    if begin == EARLIEST:
        return None
    first = begin.date()
    if len(text) == 4:
        return first, date(first.year, 12, 31)
    if len(text) == 7:
        return first, date(first.year, first.month, monthrange(first.year, first.month)[1])
    return first, first


def same_moment(one: str, other: str) -> bool:
    """Tell whether two instants may be the same, written with another precision.

    A history and a read of one server may differ so. An instant that is not known differs from
    none.
    """
    if not one or not other or one == other:
        return True
    first, second = start(one), start(other)
    is_coarse = not first.microsecond or not second.microsecond
    return abs(first - second) <= (SECOND if is_coarse else MILLISECOND)
