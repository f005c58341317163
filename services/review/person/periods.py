"""Whether a name or an identifier is in use on a day (pure)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from shared import instants
from shared.fhir.times.stated import mapping


def has_ended(element: Mapping[str, Any], on: date) -> bool:
    """Tell whether its period is over. A month or a year ends with its last day."""
    end = instants.days(str(mapping(element.get("period")).get("end", "")))
    return end is not None and end[1] < on


def is_to_come(element: Mapping[str, Any], on: date) -> bool:
    """Tell whether its period has not begun."""
    begin = instants.days(str(mapping(element.get("period")).get("start", "")))
    return begin is not None and begin[0] > on


def is_current(element: Mapping[str, Any], on: date) -> bool:
    """Tell whether it is in use; without a period it is."""
    return not has_ended(element, on) and not is_to_come(element, on)


def newest_first(element: Mapping[str, Any]) -> int:
    """Give a key to sort by: what began last comes first, then what says nothing."""
    begin = instants.days(str(mapping(element.get("period")).get("start", "")))
    return -begin[0].toordinal() if begin else 0
