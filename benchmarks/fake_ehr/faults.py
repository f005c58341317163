"""Faults to inject: failing answers, broken connections, slowness."""

import threading
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


@dataclass
class Faults:
    """The faults still to come, in order."""

    latency_sec: float = 0.0
    _coming: list[Fault] = field(default_factory=list)
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

    def end(self) -> None:
        """None is still to come."""
        with self._lock:
            self._coming.clear()

    def next(self, method: str, path: str) -> Fault | None:
        """The fault that befalls this request, if any; that much of it is used up."""
        with self._lock:
            for i, fault in enumerate(self._coming):
                if fault.befalls(method, path):
                    self._coming[i] = replace(fault, count=fault.count - 1)
                    return fault
        return None
