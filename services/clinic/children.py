"""Services as child processes: started, watched, stopped together.

They end with their parent, whatever ends it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from shared.errors import Misconfigured

RESTART_SEC: Final = 1.0
WRONG: Final = 2  # the exit status of `careloop` when a setting or the EHR must be mended first
STOP_SEC: Final = 30.0


@dataclass
class Child:
    """One child process.

    Attributes:
        name: what people see.
        argv, environment: how to start it, again if it dies.
        log: the file its stderr and stdout go to; None: the parent's.
    """

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    log: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    started_at: float = field(default=0.0)

    def start(self) -> None:
        """Start it, or start it again."""
        self.starts += 1
        self.started_at = time.monotonic()
        if self.log is None:
            self._spawn(None)
            return
        with self.log.open("ab") as sink:
            self._spawn(sink.fileno())

    def _spawn(self, output: int | None) -> None:
        argv = [sys.executable, "-m", "services.clinic.with_parent", str(os.getpid()), *self.argv]
        self.process = subprocess.Popen(  # noqa: S603  # our own commands
            argv,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
        )

    @property
    def alive(self) -> bool:
        """It runs."""
        return self.process is not None and self.process.poll() is None

    def listens_on(self, port: int) -> bool:
        """This very process, and no other, accepts connections on the port."""
        import psutil  # of the demo's extra

        if self.process is None or not self.alive:
            return False
        try:
            connections = psutil.Process(self.process.pid).net_connections(kind="tcp")
        except psutil.Error:
            return False
        return any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections)

    def wait(self, timeout_sec: float) -> None:
        """Wait for its end; kill it when it takes longer."""
        if self.process is None:
            return
        try:
            self.process.wait(timeout_sec)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def service_child(name: str, environment: Mapping[str, str], log: Path | None = None) -> Child:
    """`careloop run NAME` as a child of its own."""
    return Child(name, [sys.executable, "-m", "services.cli", "run", name], environment, log)


def revive(children: Sequence[Child]) -> list[str]:
    """Start again those that died, each at most once per second; return their names.

    Raises:
        Misconfigured: one says that it can't work as things are set up; to start it again would
            change nothing.
    """
    dead = [c for c in children if not c.alive and time.monotonic() - c.started_at >= RESTART_SEC]
    for child in dead:
        if child.process is not None and child.process.returncode == WRONG:
            raise Misconfigured(
                f"{child.name} can't start as things are set up; "
                f"{f'{child.log} says' if child.log else 'its last line above says'} why"
            )
    for child in dead:
        child.start()
    return [c.name for c in dead]


def stop(children: Sequence[Child]) -> None:
    """SIGTERM to all, then wait; SIGKILL to those that take too long."""
    for child in children:
        if child.process is not None and child.alive:
            child.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SEC
    for child in children:
        child.wait(max(0.1, deadline - time.monotonic()))
