"""Pauses of the whole service, and waiting times of single records."""

import logging
import random
import time

from shared.errors import Unavailable
from shared.runtime.lanes import Item
from shared.runtime.triage import asked_pause_sec, first_pause_sec

log = logging.getLogger(__name__)
LIMIT_PAUSE_SEC = 5.0
"""How long a service pauses before it counts its dead letters again."""


class Pauses:
    """The time of the next work, and the reason for waiting.

    Args:
        service: its name, for the log.
        backoff_max_sec: the longest pause of our own choice.

    Attributes:
        waiting_for: what the service waits for; None while it works.
        limited: it waits because it reached the dead-letter limit.
        until: monotonic seconds.
    """

    def __init__(self, service: str, backoff_max_sec: float) -> None:
        self.waiting_for: str | None = None
        self.limited = False
        self.until = 0.0
        self._service = service
        self._backoff_max_sec = backoff_max_sec
        self._count = 0
        self._commit_late = False

    @property
    def active(self) -> bool:
        """Whether the service starts no work now."""
        return time.monotonic() < self.until

    def pause(self, error: Unavailable) -> None:
        """Pause the service: the EHR or the broker is away. It costs no record an attempt."""
        if self.active:
            return

        pause = max(self._backoff_sec(error, self._count), asked_pause_sec(error))
        self._count += 1
        self.waiting_for = error.dependency
        self.until = time.monotonic() + pause
        log.warning("%s; pausing until it answers", error, extra=error.outage)

    def pause_at_limit(self, item: Item) -> None:
        """Pause the service: it has written too many dead letters."""
        self.limited = True
        self.waiting_for = "dead-letter limit"
        self.until = item.not_before = time.monotonic() + LIMIT_PAUSE_SEC
        log.error(
            "dead-letter limit reached; the service pauses. Look at `careloop dead-letters list "
            "--service %s`",
            self._service,
        )

    def delay(self, item: Item, error: BaseException) -> None:
        """Let one record wait, longer with each time."""
        pause = self._backoff_sec(error, item.waits)
        item.waits += 1
        item.waited_for = error.dependency if isinstance(error, Unavailable) else None
        jittered = pause * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret
        item.not_before = time.monotonic() + max(jittered, asked_pause_sec(error))

    def end(self, item: Item) -> None:
        """Note a success: now only the dead-letter limit can keep us waiting."""
        self._count = 0
        if not self.limited:
            _tell_back(self.waiting_for)
            self.waiting_for = None
        if item.waited_for:
            _tell_back(item.waited_for)
            item.waited_for = None

    def broker_answered(self) -> None:
        """Note an answer of the event log."""
        if self.waiting_for == "broker":
            _tell_back("broker")
            self.waiting_for = None

    def put_off_commit(self, error: Unavailable) -> None:
        """Note a commit refused by the event log; the next turn tries again."""
        self._commit_late = True
        log.warning("commit put off: %s", error, extra=error.outage)

    def committed(self) -> None:
        """Note a commit."""
        if self._commit_late:
            self._commit_late = False
            _tell_back("broker")

    def lift_limit(self) -> None:
        """Note the end of the dead-letter limit."""
        self.limited, self.waiting_for = False, None

    def _backoff_sec(self, error: BaseException, tries: int) -> float:
        return min(self._backoff_max_sec, first_pause_sec(error) * 2.0 ** min(tries, 10))


def _tell_back(dependency: str | None) -> None:
    if dependency:
        log.warning("%s is available again", dependency, extra={"back": dependency})
