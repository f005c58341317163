"""What the lists of each session have shown, so that a refresh is recorded once."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

REMEMBERED: Final = 1_000
"""Sessions; an older one's next refresh is recorded once more."""


@dataclass
class Shown:
    """The results on the lists of the last sessions, in memory alone.

    A list that refreshes itself every few seconds shows mostly what was recorded already. Safe
    between threads.
    """

    lists: OrderedDict[str, frozenset[str]] = field(default_factory=OrderedDict, repr=False)
    lock: Lock = field(default_factory=Lock, repr=False)

    def has_all(self, session: str, results: Iterable[str]) -> bool:
        """Tell whether all of them were recorded for this session."""
        with self.lock:
            return self.lists.get(session, frozenset()).issuperset(results)

    def add(self, session: str, results: Iterable[str]) -> None:
        """Note what was recorded; the oldest sessions are forgotten."""
        with self.lock:
            self.lists[session] = self.lists.get(session, frozenset()).union(results)
            self.lists.move_to_end(session)
            while len(self.lists) > REMEMBERED:
                self.lists.popitem(last=False)
