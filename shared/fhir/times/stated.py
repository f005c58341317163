"""Times as resources state them (pure).

The precision stays: a date is a date. What is no time is None.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from shared.instants import EARLIEST, start
from shared.json import Json

CLOCK: Final = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?"
ZONE: Final = r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))"
MOMENT: Final = re.compile(rf"(\d{{4}}-\d\d-\d\d)(T{CLOCK}{ZONE})?(?:T[\d:.]*(?:Z|[+-][\d:]*)?)?")
DAYS: Final = re.compile(r"\d{4}(?:-\d\d)?")


def date_time(value: object) -> str | None:
    """Return a FHIR dateTime; None for what is none.

    A time without a zone, or one that R4 does not have, is no moment: then the date alone counts.
    """
    if not isinstance(value, str):
        return None
    found = MOMENT.fullmatch(value)
    date, time = (found[1], found[2] or "") if found else (value, "")

    is_date = found is not None or DAYS.fullmatch(value) is not None
    return date + time if is_date and start(date) != EARLIEST else None


def first(holder: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """Read the first of these elements; of a Period its end, else its start."""
    for name in names:
        value = holder.get(name)
        ends = [value.get("end"), value.get("start")] if isinstance(value, Mapping) else [value]
        if found := next(filter(None, map(date_time, ends)), None):
            return found
    return None


def earliest(times: Iterable[object]) -> str | None:
    """Return the earliest of these times; None where none is known."""
    return min(filter(None, map(date_time, times)), key=start, default=None)


def newest(times: Iterable[object]) -> str | None:
    """Return the latest of these times; None where none is known."""
    return max(filter(None, map(date_time, times)), key=start, default=None)


def study_time(study: Json) -> str | None:
    """Read when an ImagingStudy began; else when the first of its series did."""
    series = (s.get("started") for s in items(study.get("series")))
    return date_time(study.get("started")) or earliest(series)


def document_time(document: Json) -> str | None:
    """Read the time that a DocumentReference speaks of.

    It is the end of the service that the document describes (`context.period`): a note tells how
    things stood then. But no document speaks of what came after it was written (`date`, or
    `creation` of its files), so the earliest of these counts. Where all of them are missing, it is
    the beginning of the service.
    """
    period = mapping(mapping(document.get("context")).get("period"))
    files = (mapping(c.get("attachment")) for c in items(document.get("content")))
    stated = (period.get("end"), document.get("date"), *(f.get("creation") for f in files))

    return earliest(stated) or date_time(period.get("start"))


def specimen_time(specimen: Json) -> str | None:
    """Read when a sample was taken; else when the laboratory received it."""
    collection = mapping(specimen.get("collection"))
    collected = first(collection, ("collectedDateTime", "collectedPeriod"))
    return collected or date_time(specimen.get("receivedTime"))


def items(value: object) -> list[Json]:
    """List the objects of a list; what is none is passed over."""
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def mapping(value: object) -> Json:
    """Return an object; an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}
