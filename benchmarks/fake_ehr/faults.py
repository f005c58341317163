"""Faults to inject: answers that fail, connections that break after the write, slowness."""

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """What befalls one request.

    Attributes:
        status: answer this instead of working; None: work, then drop the connection without an answer.
        retry_after: the Retry-After header.
        method, path: which requests, by equality and by prefix; empty: any.
    """

    status: int | None
    retry_after: str | None = None
    method: str = ""
    path: str = ""

    def befalls(self, method: str, path: str) -> bool:
        """It is this request's turn."""
        return self.method in ("", method) and path.startswith(self.path)


@dataclass
class Faults:
    """A list of faults still to come, each used once, in order."""

    latency_sec: float = 0.0
    _coming: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, count: int, status: int, *, retry_after: str | None = None, method: str = "", path: str = "") -> None:
        """The next `count` such requests fail with this status, and nothing is done."""
        with self._lock:
            self._coming += [Fault(status, retry_after, method, path)] * count

    def drop_after_write(self, count: int = 1, *, method: str = "POST", path: str = "") -> None:
        """The next `count` such requests are done, and their answers lost."""
        with self._lock:
            self._coming += [Fault(None, None, method, path)] * count

    def next(self, method: str, path: str) -> Fault | None:
        """The fault that befalls this request, if any; it is used up."""
        if not self._coming:
            return None
        with self._lock:
            for i, fault in enumerate(self._coming):
                if fault.befalls(method, path):
                    return self._coming.pop(i)
        return None
