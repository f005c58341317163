"""The dead letters of all services, for the page.

An undecodable record has no patient and no head, so this is where people see it.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from threading import Lock
from typing import Final
from zoneinfo import ZoneInfo

from services.catalogue import analyser_names
from services.review import clock
from shared.errors import CareloopError, Misconfigured
from shared.runtime import dead_letters
from shared.settings import Settings
from shared.stream.base import Log
from shared.stream.open import open_log

log = logging.getLogger(__name__)
REFRESH_SEC: Final = 15.0
SHOWN: Final = 50


@dataclass(frozen=True)
class Line:
    """One dead letter; nothing of its value.

    Attributes:
        id: what `careloop dead-letters` calls it.
        place: `topic/partition/offset` of the record.
        time: seconds since the epoch; when: the same for people.
    """

    service: str
    id: str
    error: str
    message: str
    place: str
    attempts: int
    time: float
    when: str


@dataclass(frozen=True)
class Seen:
    """What the event log showed.

    The newest letters and how many there are, or why it could not be read.
    """

    lines: Sequence[Line] = ()
    total: int = 0
    unavailable: bool = False


class LettersPanel:
    """Reads the dead-letter topics at most every `REFRESH_SEC`, whoever asks.

    Safe between threads.

    Args:
        settings: name the event log; it is opened at first use.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings, self._zone = settings, ZoneInfo(settings.timezone)
        self._log: Log | None = None
        self._seen = Seen()
        self._until = 0.0
        self._lock = Lock()

    def seen(self) -> Seen:
        """The letters as of a moment ago."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._seen = self._read()
                self._until = time.monotonic() + REFRESH_SEC
            return self._seen

    def _read(self) -> Seen:
        try:
            self._log = self._log or open_log(self._settings)
            found = sorted(_lines(self._log, self._zone), key=lambda line: -line.time)
        except (CareloopError, OSError) as error:
            log.warning("review: the dead letters can't be read: %s", type(error).__name__)
            return Seen(unavailable=True)
        return Seen(found[:SHOWN], len(found))


def _lines(event_log: Log, zone: tzinfo) -> Iterator[Line]:
    """The open letters; a service whose topic does not exist yet has none."""
    for service in analyser_names():
        try:
            found = dead_letters.letters(event_log, service)
        except Misconfigured:
            continue
        for letter in found:
            if not letter.replayed:
                yield Line(
                    service,
                    letter.id,
                    letter.error,
                    letter.message,
                    letter.place,
                    letter.attempts,
                    letter.time,
                    clock.when(datetime.fromtimestamp(letter.time, zone).isoformat(), zone),
                )
