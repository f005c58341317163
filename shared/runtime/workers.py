"""A few daemon threads over one queue.

Unlike ThreadPoolExecutor's they never hold up the end of the process: a request that hangs is left
behind.
"""

import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

Work = Callable[[], Any]


class Workers:
    """Threads for submitted work, in the order of submission.

    Args:
        count: how many.
        name: of the threads, before their number.
    """

    def __init__(self, count: int, name: str) -> None:
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open = True
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[..., Any], *args: Any) -> None:
        """Do it soon; the work must handle its own exceptions.

        Raises:
            RuntimeError: after `shutdown`.
        """
        with self._lock:
            if not self._open:
                raise RuntimeError("these workers have been shut down")
            self._queue.put(partial(work, *args))

    def shutdown(self) -> None:
        """Begin nothing more; do not wait for running work."""
        with self._lock:
            self._open = False
            for _ in self._threads:
                self._queue.put(None)

    def _run(self) -> None:
        while work := self._queue.get():
            if self._open:
                work()
