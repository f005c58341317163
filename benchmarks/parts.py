"""The parts around the pipeline, each in a process of its own.

FakeEhr or sekmet as the EHR, SQLite or Apache Kafka as the log.

`python -m benchmarks.parts` serves a FakeEhr: it prints its base URL and ends with its standard
input.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.fake_ehr import FakeEhr
from benchmarks.kafka_broker import Broker
from services.clinic.children import Child, stop
from services.clinic.embedded_ehr import sekmet_command
from services.clinic.ports import free_port

START_SEC = 60.0


@contextmanager
def python_child(
    module: str, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """`python -m module`, spoken to by lines; it ends with its standard input."""
    argv = [sys.executable, "-m", module]
    with subprocess.Popen(  # noqa: S603  # our own module
        argv,
        env=os.environ | dict(environment or {}),
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
def fake_ehr() -> Iterator[str]:
    """A FakeEhr; its base URL."""
    with python_child("benchmarks.parts") as process:
        yield line_of(process)


@contextmanager
def sekmet(folder: Path) -> Iterator[str]:
    """The embedded EHR; its base URL."""
    port = free_port()
    argv, environment = sekmet_command(folder, port)
    child = Child("sekmet", argv, environment, folder / "sekmet.log")
    child.start()
    base = f"http://127.0.0.1:{port}/fhir"
    try:
        answers(f"{base}/metadata", child)
        yield base
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


def answers(url: str, child: Child) -> None:
    """Wait until the URL answers 200."""
    deadline = time.monotonic() + START_SEC
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
    with FakeEhr() as ehr:
        print(ehr.base, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
