"""The parts around the pipeline, each in a process of its own.

FakeEhr, sekmet or HAPI FHIR as the EHR, SQLite or Apache Kafka as the log.

`python -m benchmarks.parts` serves a FakeEhr: it prints its base URL, then for each line of its
standard input how many requests it has had, and ends with that input.
"""

import gc
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psutil

from benchmarks.fake_ehr import FakeEhr
from benchmarks.kafka_broker import Broker
from services.clinic.children import Child, stop
from services.clinic.embedded_ehr import sekmet_command
from services.clinic.ports import free_port

ROOT: Final = Path(__file__).parents[1]
START_SEC = 60.0
HAPI_SEC: Final = 300.0
"""HAPI FHIR on a busy machine of two cores."""


@dataclass(frozen=True)
class Served:
    """An EHR, ready to answer.

    Attributes:
        base: its base URL.
        process: what serves it, perhaps in a child.
        requests: how many it has had so far; None where it does not tell.
    """

    base: str
    process: psutil.Process
    requests: Callable[[], int] | None = None


@contextmanager
def python_child(
    module: str, environment: Mapping[str, str] | None = None, root: Path = ROOT
) -> Iterator[subprocess.Popen[str]]:
    """`python -m module` of a checkout, spoken to by lines.

    It ends with its standard input.
    """
    argv = [sys.executable, "-m", module]
    with subprocess.Popen(  # noqa: S603  # our own module
        argv,
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)} | dict(environment or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(START_SEC)
            except subprocess.TimeoutExpired:
                process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    """What the child says next. RuntimeError when it has ended."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        command = list(process.args)[1:]  # type: ignore[arg-type]  # a list, see above
        raise RuntimeError(f"{' '.join(map(str, command))} ended with status {process.wait()}")
    return line.strip()


@contextmanager
def fake_ehr() -> Iterator[Served]:
    """A FakeEhr."""
    with python_child("benchmarks.parts") as process:
        base = line_of(process)

        def requests() -> int:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
            return int(line_of(process))

        yield Served(base, psutil.Process(process.pid), requests)


@contextmanager
def sekmet(folder: Path) -> Iterator[Served]:
    """The embedded EHR."""
    port = free_port()
    argv, environment = sekmet_command(folder, port)
    with served(Child("sekmet", argv, environment, folder / "sekmet.log"), port) as made:
        yield made


@contextmanager
def hapi(folder: Path) -> Iterator[Served]:
    """A HAPI FHIR, in memory; the first time it is fetched and compiled."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    # by its command: the benchmarks import no test
    argv = [sys.executable, "-m", "tests.hapi", "--port", str(port)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with served(Child("HAPI FHIR", argv, environment, folder / "hapi.log"), port, HAPI_SEC) as made:
        yield made


def lacking_hapi() -> str | None:
    """Name the missing needs of HAPI FHIR; None if there are none."""
    missing = [program for program in ("mvn", "javac", "java") if shutil.which(program) is None]
    return f"no {missing[0]} here: HAPI FHIR needs Maven and a JDK" if missing else None


@contextmanager
def served(child: Child, port: int, patience_sec: float = START_SEC) -> Iterator[Served]:
    """A server as a child, from its first answer to its end."""
    child.start()
    base = f"http://127.0.0.1:{port}/fhir"
    try:
        answers(f"{base}/metadata", child, patience_sec)
        assert child.process is not None
        yield Served(base, psutil.Process(child.process.pid))
    finally:
        stop([child])


@contextmanager
def kafka(folder: Path) -> Iterator[str]:
    """An Apache Kafka broker; its `host:port`."""
    broker = Broker(folder)
    broker.start()
    try:
        yield broker.address
    finally:
        broker.kill()


def answers(url: str, child: Child, patience_sec: float) -> None:
    """Wait until the URL answers 200."""
    deadline = time.monotonic() + patience_sec
    while True:
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline or not child.alive:
            raise RuntimeError(f"{child.name} did not start: {child.log}")
        time.sleep(0.1)


def main() -> None:
    # FakeEhr keeps all it is told: a full collection walks it for 0.1 to 0.5 s and answers nobody
    gc.disable()
    with FakeEhr() as ehr:
        print(ehr.base, flush=True)
        for _ in sys.stdin:
            print(len(ehr.requests), flush=True)


if __name__ == "__main__":
    main()
