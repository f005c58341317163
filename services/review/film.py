"""The film beneath a heat map, fetched from the PACS when somebody looks at the result and kept for a few minutes."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from services.review.result import Result

KEEP_SEC: Final = 300.0
KEPT: Final = 16
NO_STUDY: Final = "The film can't be shown: the result names no imaging study."


class FilmMissing(Exception):
    """The film can't be shown; the text says why, for the clinician."""


@dataclass
class FilmShelf:
    """The last few films as PNG, by the version of the head they belong to. Safe between threads."""

    films: OrderedDict[str, tuple[float, bytes]] = field(default_factory=OrderedDict, repr=False)
    lock: Lock = field(default_factory=Lock, repr=False)

    def get(self, key: str) -> bytes | None:
        """The film, unless it has been here too long."""
        with self.lock:
            until, png = self.films.get(key, (0.0, b""))
            return png if until > time.monotonic() else None

    def put(self, key: str, png: bytes) -> None:
        """Keep it; the oldest make room."""
        with self.lock:
            self.films[key] = (time.monotonic() + KEEP_SEC, png)
            self.films.move_to_end(key)
            while len(self.films) > KEPT:
                self.films.popitem(last=False)


def key_of(result: Result) -> str:
    """What the film of this result is kept under."""
    return f"{result.head.reference} {result.head.version}"
