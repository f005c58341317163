"""Triage: the next action after an error in a record's work.

This is the table of `shared.errors` as code.
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
CONFLICTS_AT_MOST: Final = 8
"""A head that never lets us write is a fault, not a race."""
ASKED_AT_MOST_SEC: Final = 300.0
"""The longest `Retry-After` that we follow: an EHR may be back sooner than its proxy believes."""
HOPELESS: Final = (PoisonRecord, FhirError, InvalidResource)
"""Another try would meet the same answer, but for a FhirError that may pass."""


def triage(
    error: BaseException, item: Item, settled: int, settings: Settings, now: float
) -> Action:
    """Choose the next action, and count a failed attempt.

    It serves for a record's work and for its burial alike.

    Args:
        item: the record in question.
        settled: how many records the service has settled so far.
        now: monotonic seconds.
    """
    action: Action
    match error:
        case Misconfigured():
            action = "end"
        case DeadLetterLimit():
            action = "limit"
        case Unavailable() if error.dependency in PAUSES_ALL:
            poison = error.suspect and is_poison(item, settled, settings)
            action = "dead letter" if poison else "pause"
        case Unavailable():
            action = "wait"
        case Conflict() if item.conflicts < CONFLICTS_AT_MOST:
            item.conflicts += 1
            action = "wait"
        case NotYet():
            late = item.waits and now - item.arrived > settings.not_yet_max_sec
            action = "give up waiting" if late else "wait"
        case _:
            item.attempts += 1
            tried = item.attempts >= settings.max_attempts
            action = "dead letter" if tried or is_hopeless(error) else "wait"
    return action


def is_hopeless(error: BaseException) -> bool:
    """Tell whether another try would meet the same answer."""
    passes = isinstance(error, FhirError) and error.may_pass
    return isinstance(error, HOPELESS) and not passes


def is_poison(item: Item, settled: int, settings: Settings) -> bool:
    """Tell whether the record itself makes the EHR break down.

    It does if the EHR answered 500 for this record while other requests succeeded, as often as a
    record may fail.
    """
    if item.settled_before is not None and settled > item.settled_before:
        item.attempts += 1
    item.settled_before = settled
    return item.attempts >= settings.max_attempts


def first_pause_sec(error: BaseException) -> float:
    """Return the pause before the second try; it doubles from there."""
    return 0.05 if isinstance(error, Conflict) else 0.5


def asked_pause_sec(error: BaseException) -> float:
    """Return the pause of `Retry-After`, at most `ASKED_AT_MOST_SEC`."""
    asked = error.retry_after_sec if isinstance(error, Unavailable) else None
    return min(asked or 0.0, ASKED_AT_MOST_SEC)
