"""Real parts as child processes on free ports of the loopback interface."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx

from services.clinic.embedded_ehr import sekmet_command
from services.clinic.ports import free_port


class Peer:
    """A child process that answers HTTP once it is up.

    Stop it and start it again on the same port and folder for fault tests.
    """

    def __init__(
        self, command: Callable[[], tuple[list[str], dict[str, str]]], ready_url: str, log: Path
    ) -> None:
        self._command = command
        self._ready_url = ready_url
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, timeout_sec: float = 120.0) -> None:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: it ended, or did not answer in time; the message ends with its log.
        """
        argv, environment = self._command()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                argv, env=environment, stdout=log, stderr=log, cwd=self._log.parent
            )
        deadline = time.monotonic() + timeout_sec
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{argv[:3]} did not come up: {self._log.read_text()[-2000:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return httpx.get(self._ready_url, timeout=2).status_code < 500
        except httpx.TransportError:
            return False

    def stop(self, timeout_sec: float = 10.0) -> None:
        """SIGTERM, then SIGKILL."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout_sec)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def kill(self) -> None:
        """SIGKILL, without warning."""
        if self._process:
            self._process.kill()
            self._process.wait()


class ServedEhr(Protocol):
    """An EHR that tests start, stop and kill."""

    base: str

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...


class Sekmet(Peer):
    """The embedded EHR. `base` stays the same over restarts."""

    def __init__(self, folder: Path, smart_clients: Sequence[Mapping[str, Any]] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}/fhir"
        super().__init__(
            lambda: sekmet_command(folder, self.port, smart_clients),
            f"{self.base}/metadata",
            folder / "sekmet.log",
        )


class FakeHapi(Peer):
    """`benchmarks.fake_ehr` with HAPI's habits. It keeps its state in memory."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.base = f"http://127.0.0.1:{port}/fhir"
        command = [sys.executable, "-m", "benchmarks.fake_ehr", str(port), "hapi"]
        super().__init__(
            lambda: (command, {"PYTHONPATH": str(Path(__file__).parents[1])}),
            f"{self.base}/metadata",
            folder / "ehr.log",
        )


@contextmanager
def sekmet(folder: Path, smart_clients: Sequence[Mapping[str, Any]] = ()) -> Iterator[Sekmet]:
    """A running sekmet with its state in the folder."""
    peer = Sekmet(folder, smart_clients)
    peer.start()
    try:
        yield peer
    finally:
        peer.stop()
