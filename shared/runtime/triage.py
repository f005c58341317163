"""What becomes of a record whose work ended in an error: the table of `shared.errors`, in one
place.
"""

from typing import Final, Literal

from shared.errors import (
    Conflict,
    DeadLetterLimit,
    FhirError,
    InvalidResource,
    Misconfigured,
    NotYet,
    PoisonRecord,
    Unavailable,
)
from shared.runtime.lanes import Item
from shared.settings import Settings

Action = Literal["wait", "pause", "limit", "give up waiting", "dead letter", "end"]
PAUSES_ALL: Final = ("ehr", "broker")
CONFLICTS_AT_MOST: Final = 8  # a head that never lets us write is a fault, not a race
ASKED_AT_MOST_SEC: Final = (
    300.0  # an EHR that is back sooner than its proxy believes is not left waiting for an hour
)
HOPELESS: Final = (
    PoisonRecord,
    FhirError,
    InvalidResource,
)  # another try would meet the same answer


def triage(
    error: BaseException, item: Item, settled: int, settings: Settings, now: float
) -> Action:
    """What to do next; counts the attempt where one is burnt. The same holds of an item's work and
    of its burial.

    Args:
        item: the record in question.
        settled: how many records the service has settled so far.
        now: monotonic seconds.
    """
    if isinstance(error, Misconfigured):
        return "end"
    if isinstance(error, DeadLetterLimit):
        return "limit"
    if isinstance(error, Unavailable) and error.dependency in PAUSES_ALL:
        return "dead letter" if error.suspect and _blamed(item, settled, settings) else "pause"
    if isinstance(error, Unavailable) or (
        isinstance(error, Conflict) and item.waits < CONFLICTS_AT_MOST
    ):
        return "wait"
    if isinstance(error, NotYet):
        return (
            "give up waiting"
            if item.waits and now - item.arrived > settings.not_yet_max_sec
            else "wait"
        )
    item.attempts += 1
    return (
        "dead letter"
        if isinstance(error, HOPELESS) or item.attempts >= settings.max_attempts
        else "wait"
    )


def first_pause_sec(error: BaseException) -> float:
    """The pause before the second try; it doubles from there."""
    return 0.05 if isinstance(error, Conflict) else 0.5


def asked_pause_sec(error: BaseException) -> float:
    """How long whoever does not answer asks us to wait (`Retry-After`); nobody makes us wait longer
    than `ASKED_AT_MOST_SEC`.
    """
    asked = error.retry_after_sec if isinstance(error, Unavailable) else None
    return min(asked or 0.0, ASKED_AT_MOST_SEC)


def _blamed(item: Item, settled: int, settings: Settings) -> bool:
    """The EHR broke down over this record and served others in between, as often as a record may
    fail.
    """
    if item.settled_before is not None and settled > item.settled_before:
        item.attempts += 1
    item.settled_before = settled
    return item.attempts >= settings.max_attempts
