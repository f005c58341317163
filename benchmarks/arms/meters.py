"""Meters of an arm's cost: requests to the EHR, its CPU, waiting for a core.

The counter of FakeEhr is the authority. A real server has none: there the arm counts its own calls.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.arms.blocks import Cost


class Sent:
    """Counts the requests of an EHR client: the hook `sent` of `open_ehr`."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def __call__(self, _method: str) -> None:
        with self._lock:
            self.count += 1


@dataclass(frozen=True)
class Reading:
    """What was used up so far; `waited_sec` by thread."""

    requests: int
    cpu_sec: float
    waited_sec: Mapping[str, float]


@dataclass(frozen=True)
class Meter:
    """The meters of one arm at one EHR.

    Attributes:
        requests: how many the arm has sent so far.
        ehr: the process of the EHR; with its children.
        arm: the process of the arm.
    """

    requests: Callable[[], int]
    ehr: psutil.Process
    arm: psutil.Process

    def read(self) -> Reading:
        """Read all of them now."""
        ehr = [self.ehr, *self.ehr.children(recursive=True)]
        cpu = sum(sum(p.cpu_times()[:2]) for p in ehr)
        waited = {k: v for p in [*ehr, self.arm] for k, v in waited_sec(p.pid).items()}
        return Reading(self.requests(), cpu, waited)

    def cost_since(self, before: Reading) -> Cost:
        """Read them again; return the difference.

        Threads that ended meanwhile do not wait.
        """
        now = self.read()
        waited = sum(v - before.waited_sec.get(k, 0.0) for k, v in now.waited_sec.items())
        return Cost(now.requests - before.requests, now.cpu_sec - before.cpu_sec, waited)


def waited_sec(pid: int) -> Mapping[str, float]:
    """Return how long each thread of a process waited for a core (Linux's schedstat)."""
    waited = {}
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            waited[file.parent.name] = int(file.read_text().split()[1]) / 1e9
        except (OSError, IndexError):
            continue
    return waited
