"""FHIR instants: UTC, milliseconds, `Z`."""

from datetime import UTC, datetime


def instant(moment: datetime) -> str:
    """`2026-01-01T00:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    """This moment, as an instant."""
    return instant(datetime.now(UTC))


def parse(text: str) -> datetime:
    """The moment of an instant or dateTime with zone (R4 2.24.0.1); ValueError for a date alone."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return moment


def start(text: str) -> datetime:
    """When a date, dateTime or instant begins, to put values in the order of time: texts with
    different zones or precisions have none.

    A year or a month begins on its first day; without a zone UTC is meant. What is no time at all
    comes before everything else.
    """
    whole = text + {4: "-01-01", 7: "-01"}.get(len(text), "")
    try:
        moment = datetime.fromisoformat(whole)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
