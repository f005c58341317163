"""The model's thread: one batch at a time.

It takes what is ready, never waits for more, and finds the culprit when a batch fails.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

Analyze = Callable[[Sequence[Any]], Sequence[Any]]


def analyze_each(batch: Sequence[Any], analyze: Analyze) -> list[Any]:
    """Analyse a batch; return findings, NotAnalysed or the exception of each input.

    A batch that raises is halved until the culprit is alone.
    """
    try:
        findings = list(analyze(batch))
        if len(findings) != len(batch):
            raise ValueError(f"analyze returned {len(findings)} findings for {len(batch)} inputs")
    # The runtime classes it; every kind of model failure must be caught here.
    except Exception as error:
        if len(batch) == 1:
            return [error]
        middle = len(batch) // 2
        return analyze_each(batch[:middle], analyze) + analyze_each(batch[middle:], analyze)
    return findings


@dataclass(frozen=True)
class _Job:
    inputs: Any
    done: Callable[[Any], None]


class ModelThread:
    """The model, behind a queue.

    Args:
        analyze: `(batch) -> findings, one each`; called by one thread at a time.
        max_batch: how many inputs one call gets at most.
    """

    def __init__(self, analyze: Analyze, max_batch: int) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._analyze = analyze
        self._max_batch = max_batch
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)
        self._thread.start()

    def submit(self, inputs: Any, done: Callable[[Any], None]) -> None:
        """Analyse soon.

        Args:
            done: gets findings, NotAnalysed or an exception, on the model's thread. It must be
                quick.
        """
        self._jobs.put(_Job(inputs, done))

    def one(self, inputs: Any) -> Any:
        """Analyse now, on the caller's thread, between batches (for /analyze).

        Raises what the model raises.
        """
        with self._at_work():
            [findings] = self._analyze([inputs])
        return findings

    def busy_sec(self) -> float:
        """Return the seconds of work on the present batch; 0 for an idle model.

        No thread can be interrupted in it, but a probe can tell.
        """
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def close(self) -> None:
        """End after the batch in hand.

        A model that hangs is left behind: the thread is a daemon.
        """
        self._jobs.put(None)
        self._thread.join(timeout=5.0)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        with self._lock:
            self._since = time.monotonic()
            try:
                yield
            finally:
                self._since = None

    def _run(self) -> None:
        while batch := self._batch():
            with self._at_work():
                findings = analyze_each([job.inputs for job in batch], self._analyze)
            for job, finding in zip(batch, findings, strict=True):
                job.done(finding)

    def _batch(self) -> list[_Job]:
        first = self._jobs.get()
        batch = [first] if first else []
        while batch and len(batch) < self._max_batch and not self._jobs.empty():
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)
                break
            batch.append(job)
        return batch
