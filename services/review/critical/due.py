"""Whether a result was acknowledged in time, in words (pure)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from services.review.critical.limits import Limits
from shared.fhir.urgency.acknowledgement import Acknowledgement
from shared.fhir.urgency.priority import Priority
from shared.instants import EARLIEST, start

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Due:
    """Where the acknowledgement of one result stands.

    Attributes:
        words: what is asked for, or how long nobody did it; empty where it is done.
        seen: who acknowledged it, and when.
    """

    state: Literal["open", "overdue", "done"]
    words: str = ""
    seen: Acknowledgement | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether somebody is asked to acknowledge it."""
        return self.state != "done"


def due_of(
    limits: Limits,
    priority: Priority,
    since: str,
    seen: Acknowledgement | None,
    now: datetime,
) -> Due | None:
    """Tell where the acknowledgement of a result stands; None: nobody asks for it.

    Args:
        since: an instant; empty: not known, and such a result is overdue.
    """
    limit = limits.times.get(priority)
    if limit is None and seen is None:
        return None
    if seen or limit is None:
        return Due("done", seen=seen)

    begun = start(since)
    if begun == EARLIEST:
        return Due("overdue", "Not acknowledged, and nobody knows since when it waits")
    # a clock that is ahead gives nobody more time than the limit
    waited = max(now - begun, timedelta())
    if waited >= limit:
        return Due("overdue", f"Not acknowledged for {span(waited)}")
    return Due("open", f"Acknowledge within {span(limit - waited)}")


def span(time: timedelta) -> str:
    """Write a length of time, rounded down: `12 min`, `2 h 5 min`, `3 days`."""
    if time < MINUTE:
        return "less than 1 min"
    if time < HOUR:
        return f"{time // MINUTE} min"
    if time < 2 * DAY:
        minutes = time % HOUR // MINUTE
        return f"{time // HOUR} h" + (f" {minutes} min" if minutes else "")
    return f"{time // DAY} days"
