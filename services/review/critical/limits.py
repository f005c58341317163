"""How long an urgent result may wait for somebody to acknowledge it (pure).

The times are the hospital's policy; careloop's own defaults stand in the setting.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from shared.errors import Misconfigured
from shared.fhir.urgency.acknowledgement import URGENT
from shared.fhir.urgency.priority import PRIORITIES, Priority
from shared.instants import instant
from shared.settings import Settings

NAME: Final = "CARELOOP_REVIEW_ACKNOWLEDGE"
MOST_MINUTES: Final = 60 * 24 * 30
Deadlines = Sequence[tuple[int, str]]
"""The place of a priority among all, and an instant: what waits since then or longer is overdue."""


@dataclass(frozen=True)
class Limits:
    """The times of the classes that have one.

    Attributes:
        times: empty: nothing has to be acknowledged.
    """

    times: Mapping[Priority, timedelta] = field(default_factory=dict)

    def deadlines(self, now: datetime) -> Deadlines:
        """Return since when a result must wait to be overdue now."""
        return tuple((PRIORITIES.index(p), instant(now - t)) for p, t in self.times.items())

    def any_time(self) -> Deadlines:
        """Return deadlines under which everything that waits is found."""
        return tuple((PRIORITIES.index(p), "9999") for p in self.times)


def limits_of(settings: Settings) -> Limits:
    """Read the setting.

    Raises:
        Misconfigured: it is not a JSON object of minutes by class.
    """
    try:
        read = json.loads(settings.review_acknowledge)
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(map(_is_limit, read.items())):
        raise Misconfigured(
            f'{NAME} must be a JSON object of minutes, like {{"stat": 15}}, of the classes '
            f"{', '.join(URGENT)}"
        )
    return Limits({p: timedelta(minutes=read[p]) for p in URGENT if p in read})


def _is_limit(named: tuple[Any, Any]) -> bool:
    name, minutes = named
    is_number = isinstance(minutes, int | float) and not isinstance(minutes, bool)
    return name in URGENT and is_number and 0 < minutes <= MOST_MINUTES
