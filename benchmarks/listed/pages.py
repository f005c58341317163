"""The pages of review in a process of their own, at an EHR full of results."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psutil

from benchmarks.arms.meters import waited_sec
from benchmarks.parts import Served
from services.clinic.children import Child, service_child, stop
from services.clinic.ports import free_port
from services.review.worklist.index import INDEX, Index

USER: Final = "berg"
PASSWORD: Final = "correct horse"  # noqa: S105  # of an EHR that lives for minutes
START_SEC: Final = 60.0
BUILD_SEC: Final = 3600.0
SENT: Final = "careloop_ehr_requests_total{"


@dataclass(frozen=True)
class Used:
    """What processes have used up so far.

    Attributes:
        waited_sec: of each thread: ready to work, and without a core.
    """

    cpu_sec: float
    waited_sec: Mapping[str, float]

    def waited_since(self, before: "Used") -> float:
        """Return how long they waited since; threads that ended do not count."""
        known = before.waited_sec
        return sum(sec - known.get(thread, 0.0) for thread, sec in self.waited_sec.items())


@dataclass(frozen=True)
class Pages:
    """Running pages.

    Attributes:
        built_sec: how long the index took to build.
        index_mb: the size of its file.
        processes: of the pages and of their EHR.
    """

    url: str
    built_sec: float
    index_mb: float
    processes: Sequence[psutil.Process]

    def requests(self) -> float:
        """Count the requests to the EHR so far, by the process's own metric."""
        lines = httpx.get(f"{self.url}/metrics", timeout=60).text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(SENT))

    def used(self) -> Used:
        """Read what the processes have used up so far."""
        every = [each for p in self.processes for each in (p, *p.children(recursive=True))]
        cpu = sum(sum(each.cpu_times()[:2]) for each in every)
        return Used(cpu, {k: sec for each in every for k, sec in waited_sec(each.pid).items()})


@contextmanager
def pages(folder: Path, server: Served, practitioner: str) -> Iterator[Pages]:
    """Serve the pages from this state folder, once their index is complete."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CARELOOP_")}
    environment = inherited | {
        "CARELOOP_STATE_DIR": str(folder),
        "CARELOOP_FHIR_URL": server.base,
        "CARELOOP_HTTP_PORT": str(port),
        "CARELOOP_REVIEW_LOCAL_USER": f"{USER}:{practitioner}",
        "CARELOOP_REVIEW_LOCAL_PASSWORD": PASSWORD,
    }
    child = service_child("review", environment, folder / "review.log")
    child.start()
    try:
        _wait_until_ready(url, child)
        began = time.monotonic()
        _wait_until_built(Index(folder / INDEX), child)
        files = folder.glob(f"{INDEX}*")
        size = sum(file.stat().st_size for file in files) / 1e6
        built = time.monotonic() - began
        assert child.process
        yield Pages(url, built, size, (psutil.Process(child.process.pid), server.process))
    finally:
        stop([child])


def _wait_until_ready(url: str, child: Child) -> None:
    deadline = time.monotonic() + START_SEC
    while time.monotonic() < deadline and child.alive:
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"review did not come up; see {child.log}")


def _wait_until_built(index: Index, child: Child) -> None:
    deadline = time.monotonic() + BUILD_SEC
    while index.fact("complete") is None:
        if time.monotonic() > deadline or not child.alive:
            raise RuntimeError(f"the index was not built; see {child.log}")
        time.sleep(0.2)
    index.close()
