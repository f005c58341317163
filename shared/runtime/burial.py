"""Burial of a record: a dead letter, then a head with the status `failed`."""

import logging

from shared.errors import DeadLetterLimit
from shared.runtime import dead_letters
from shared.runtime.lanes import Burial, Item, Unit
from shared.runtime.line import Line
from shared.stream.base import Log, Record, Sink
from shared.stream.tracing import trace_id

log = logging.getLogger(__name__)


def bury(line: Line, event_log: Log, sink: Sink, unit: Unit) -> None:
    """Store the dead letter, then write the head.

    The record is committed only after both. A burial that is tried again stores no second letter.

    Raises:
        DeadLetterLimit: the service has written too many dead letters.
    """
    item, burial = unit.last, unit.last.burial
    assert burial is not None

    if not burial.stored:
        _store_letter(line, event_log, sink, item.record, burial)
        burial.stored = True

    if item.event is not None:
        line.fail(
            item.event,
            f"Failed: {type(burial.error).__name__}. An engineer sees it in `careloop "
            "dead-letters`.",
        )


def over_limit(line: Line, event_log: Log) -> bool:
    """Tell whether the service has written too many dead letters.

    The stored letters are counted, so a restart does not reset the limit.
    """
    settings = line.settings
    count = dead_letters.recent(event_log, line.service.name, settings.dead_letter_window_sec)
    return count >= settings.dead_letter_limit


def log_missing_head(item: Item, error: BaseException) -> None:
    """Log a record without a head: the EHR refuses it; its dead letter remains."""
    log.error(
        "no head for dead letter %d-%d: %s",
        item.record.partition,
        item.record.offset,
        dead_letters.harmless(error),
    )


def _store_letter(line: Line, event_log: Log, sink: Sink, record: Record, burial: Burial) -> None:
    if over_limit(line, event_log):
        raise DeadLetterLimit(line.service.name)

    dead_letters.bury(sink, line.service.name, record, burial.error, burial.attempts)
    log.error(
        "dead letter %d-%d: %s; trace %s",
        record.partition,
        record.offset,
        type(burial.error).__name__,
        trace_id(record.headers),
    )
