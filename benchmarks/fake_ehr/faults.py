"""Faults to inject: failing answers, broken connections, and events in between."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Fault:
    """What befalls requests.

    Attributes:
        count: how many are still to be befallen.
        status: answer this instead of working; None: work, then drop the connection without an
            answer.
        retry_after: the Retry-After header.
        method, path: which requests, by equality and by prefix; empty: any.
    """

    count: int
    status: int | None
    retry_after: str | None = None
    method: str = ""
    path: str = ""

    def befalls(self, method: str, path: str) -> bool:
        """It is this request's turn."""
        return self.count > 0 and self.method in ("", method) and path.startswith(self.path)


@dataclass(frozen=True)
class EntryFault:
    """What befalls entries of transactions.

    Attributes:
        count: how many are still to be befallen.
        status: the answer to the entry.
        kind, method: of the entry; empty: any.
        number: the place in the Bundle, from 0; None: any.
    """

    count: int
    status: int
    kind: str = ""
    method: str = ""
    number: int | None = None

    def befalls(self, kind: str, method: str, number: int) -> bool:
        """It is this entry's turn."""
        fits = self.kind in ("", kind) and self.method in ("", method)
        return self.count > 0 and fits and self.number in (None, number)


@dataclass
class Faults:
    """The faults still to come, in order.

    Attributes:
        between_entries: called once, after the first entry of the next batch.
    """

    latency_sec: float = 0.0
    between_entries: Callable[[], None] | None = None
    _coming: list[Fault] = field(default_factory=list)
    _entries: list[EntryFault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(
        self,
        count: int,
        status: int,
        *,
        retry_after: str | None = None,
        method: str = "",
        path: str = "",
    ) -> None:
        """The next `count` such requests fail with this status, and nothing is done."""
        with self._lock:
            self._coming.append(Fault(count, status, retry_after, method, path))

    def drop_after_write(self, count: int = 1, *, method: str = "POST", path: str = "") -> None:
        """The next `count` such requests are done, and their answers lost."""
        with self._lock:
            self._coming.append(Fault(count, None, None, method, path))

    def refuse(
        self,
        count: int,
        status: int,
        *,
        kind: str = "",
        method: str = "",
        number: int | None = None,
    ) -> None:
        """The next `count` such entries of transactions are refused with this status."""
        with self._lock:
            self._entries.append(EntryFault(count, status, kind, method, number))

    def end(self) -> None:
        """None is still to come."""
        with self._lock:
            self._coming.clear()
            self._entries.clear()

    def of_entry(self, kind: str, method: str, number: int) -> int | None:
        """Take the status planned for this entry, if any; use up that much of it."""
        with self._lock:
            for i, fault in enumerate(self._entries):
                if fault.befalls(kind, method, number):
                    self._entries[i] = replace(fault, count=fault.count - 1)
                    return fault.status
        return None

    def next(self, method: str, path: str) -> Fault | None:
        """The fault that befalls this request, if any; that much of it is used up."""
        with self._lock:
            for i, fault in enumerate(self._coming):
                if fault.befalls(method, path):
                    self._coming[i] = replace(fault, count=fault.count - 1)
                    return fault
        return None
