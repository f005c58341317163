"""Server-sent events: a tab hears when the worklist changes.

Each held stream takes a thread of the HTTP server, so there are at most `MOST`. Whoever comes when
all are taken hears the newest number at once, and is asked to come again in a while. Neither costs
the EHR anything.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from services.review.worklist import listing
from services.review.worklist.index import Index
from shared.errors import CareloopError

MOST: Final = 48
LOOK_SEC: Final = 1.0
BEAT_SEC: Final = 15.0
"""A line so often tells a proxy that we live, and us whether the tab does."""
LONGEST_SEC: Final = 300.0
"""Then the tab asks again, so that a session which ended is noticed."""
AGAIN_MS: Final = 2_000
BUSY_MS: Final = 15_000
BEAT: Final = ":\n\n"


@dataclass
class Watch:
    """Watches the index: one look a second, whoever asks. Safe between threads."""

    index: Index
    _seen: str = ""
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def changes(self) -> str:
        """Return the index's number of changes, as of a moment ago.

        What can't be trusted is marked: an open tab says that its list is old, and then that it is
        no longer so.
        """
        with self._lock:
            if time.monotonic() >= self._until:
                self._seen = f"{self.index.changes()}{listing.state(self.index).mark}"
                self._until = time.monotonic() + LOOK_SEC
            return self._seen


class Streams:
    """The streams of all tabs.

    Args:
        stop: set to end them all.
        most: how many are held at once.
    """

    def __init__(self, index: Index, stop: threading.Event, most: int = MOST) -> None:
        self._watch = Watch(index)
        self._stop = stop
        self._free = threading.BoundedSemaphore(most)

    def events(self) -> Iterator[str]:
        """Yield the number of changes now, and whenever it has changed."""
        is_held = self._free.acquire(blocking=False)
        try:
            yield from self._held() if is_held else [_event(self._watch.changes(), BUSY_MS)]
        except CareloopError:  # of the index: the tab asks again
            return
        finally:
            if is_held:
                self._free.release()

    def _held(self) -> Iterator[str]:
        told, spoken = "", time.monotonic()
        end = spoken + LONGEST_SEC
        while not self._stop.is_set() and time.monotonic() < end:
            changes = self._watch.changes()
            if changes != told:
                told, spoken = changes, time.monotonic()
                yield _event(told, AGAIN_MS)
            elif time.monotonic() - spoken >= BEAT_SEC:
                spoken = time.monotonic()
                yield BEAT
            self._stop.wait(LOOK_SEC)


def _event(changes: str, again_ms: int) -> str:
    return f"retry: {again_ms}\ndata: {changes}\n\n"
