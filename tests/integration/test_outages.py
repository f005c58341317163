"""Real services while something is away (broker, EHR, PACS, topics, SQLite log): two lines each."""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.clinic.children import Child, service_child, stop
from services.clinic.ports import free_port
from services.intake.health import Health
from shared.errors import Unavailable
from shared.settings import Settings
from shared.stream.kafka import KafkaLog
from shared.stream.sqlite import SqliteLog
from shared.web import process
from shared.web.outages import Outages
from tests.broker import Broker
from tests.fakes import HAPI, FakeEhr
from tests.integration.runtime.support import World
from tests.integration.test_process import environment, ready, until
from tests.peers import Sekmet
from tests.toy import TOY

AWAY_SEC = 6.0
SERVICES = ("intake", "treatment")
# the loggers of libraries that speak when the machine, not the broker, stalls
OF_A_SLOW_MACHINE = ("kafka.net.selector", "waitress.queue")


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What this process logs from WARNING up, and of what is away, through the filter."""
    heard: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.INFO and hasattr(record, "away") | hasattr(record, "back"):
                heard.append(record.getMessage())

    handler, root = Handler(), logging.getLogger()
    handler.addFilter(Outages())
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield heard
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def ehr(tmp_path: Path) -> Iterator[Sekmet]:
    peer = Sekmet(tmp_path / "sekmet")
    peer.start()
    yield peer
    peer.stop()


@pytest.mark.kafka
def test_a_killed_broker_and_a_killed_ehr_are_two_lines_each_in_every_service(
    tmp_path: Path, ehr: Sekmet, kafka_broker: Broker
) -> None:
    log = KafkaLog(Settings(kafka_bootstrap_servers=kafka_broker.address))
    log.create_topics(4, ["treatment"])
    children, ports = started(tmp_path, ehr, kafka_broker.address)
    try:
        kafka_broker.kill()
        time.sleep(AWAY_SEC)
        kafka_broker.start()
        until(lambda: all(is_ready(port) for port in ports))
        time.sleep(AWAY_SEC)  # what comes late comes now
        loud = {name: loud_lines(tmp_path / f"{name}.log") for name in SERVICES}
        assert {name: [words(line) for line in said] for name, said in loud.items()} == {
            name: [f"the broker at {kafka_broker.address} {what}" for what in ("does", "answers")]
            for name in SERVICES
        }
        ehr.kill()
        time.sleep(AWAY_SEC)
        ehr.start()
        until(lambda: len(loud_lines(tmp_path / "intake.log")) >= 4)
        time.sleep(5)
        assert len(loud_lines(tmp_path / "intake.log")) == 4
    finally:
        stop(children)


def started(tmp_path: Path, ehr: Sekmet, address: str) -> tuple[list[Child], list[int]]:
    """The services, ready, each with a log of its own."""
    children, ports = [], []
    for name in SERVICES:
        ports.append(free_port())
        own = environment(tmp_path, ehr.base, ports[-1]) | {
            "CARELOOP_KAFKA_BOOTSTRAP_SERVERS": address,
            "CARELOOP_KAFKA_SESSION_TIMEOUT_MS": "6000",
            "CARELOOP_INTAKE_SWEEP_SEC": "1",
            "CARELOOP_INTAKE_SINCE": "1970-01-01T00:00:00Z",
        }
        children.append(service_child(name, own, tmp_path / f"{name}.log"))
        children[-1].start()
    until(lambda: all(is_ready(port) for port in ports))
    return children, ports


def is_ready(port: int) -> bool:
    return (ready(port) or {}).get("status") == "ready"


def loud_lines(path: Path) -> list[str]:
    """From WARNING up, without what libraries say of a machine that stalls."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [
        line["message"]
        for line in found
        if line["level"] not in ("DEBUG", "INFO") and line["logger"] not in OF_A_SLOW_MACHINE
    ]


def words(line: str) -> str:
    return " ".join(line.split()[:5])


def failing(times: int, error: Unavailable) -> Callable[[], None]:
    left = [error] * times

    def step() -> None:
        if left:
            raise left.pop()

    return step


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("ehr", "ConnectError"),
        Unavailable("broker", "no topic careloop.events: run `careloop topics`"),
    ],
    ids=["the EHR", "topics"],
)
def test_a_start_that_waits_says_so_once(
    error: Unavailable, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "ASK_AGAIN_SEC", 0.01)
    process.until(failing(5, error), threading.Event())
    assert lines == [
        f"{error}; asking until it answers",
        f"{error.dependency} is available now, after 0 s",
    ]


def test_a_pacs_that_is_away_is_two_lines(tmp_path: Path, lines: list[str]) -> None:
    away = [Unavailable("pacs", "refused")] * 4

    def gather(*arguments: Any) -> Any:
        if away:
            raise away.pop()
        return TOY.gather(*arguments)

    with FakeEhr(HAPI) as fake:
        world = World(fake, tmp_path)
        with world.running(gather=gather):
            world.tell(world.write("one two"))
            assert world.settled()
        world.ehr.close()
    assert [line.split(",")[0] for line in lines] == [
        "toy waits: pacs is not available: refused",
        "pacs is available again",
    ]


def test_an_ehr_that_is_away_is_two_lines(tmp_path: Path, lines: list[str]) -> None:
    with FakeEhr(HAPI) as fake:
        world = World(fake, tmp_path)
        away = [Unavailable("ehr", "ConnectError")] * 4

        def gather(*arguments: Any) -> Any:
            if away:
                raise away.pop()
            return TOY.gather(*arguments)

        with world.running(gather=gather):
            world.tell(world.write("one"), world.write("two"))
            assert world.settled()
        world.ehr.close()
    assert [line.split(",")[0] for line in lines] == [
        "ehr is not available: ConnectError; pausing until it answers",
        "ehr is available again",
    ]


def test_a_locked_sqlite_log_is_two_lines(
    tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.stream.sqlite.database.BUSY_SEC", 0.2)
    with FakeEhr(HAPI) as fake:
        world = World(fake, tmp_path)
        world.log = SqliteLog(tmp_path / "events.sqlite", 1.0)  # type: ignore[assignment]
        world.log.create_topics(4, ["toy"])
        world.sink = world.log.sink()
        with world.running() as runtime:
            until(lambda: runtime.source and runtime.source.assignment())
            with sqlite3.connect(tmp_path / "events.sqlite", isolation_level=None) as other:
                other.execute("BEGIN IMMEDIATE")
                time.sleep(8)
                other.execute("ROLLBACK")
            other.close()
            world.tell(world.write("one"))
            assert world.settled()
        world.ehr.close()
    assert [line.split(",")[0].split(":")[0] for line in lines] == [
        "broker is not available",
        "broker is available again",
    ]


def test_intake_tells_an_ehr_that_is_away_in_two_lines(lines: list[str]) -> None:
    health, error = Health(), Unavailable("ehr", "ConnectError")
    for kind in ("Patient", "Task", "Patient", "Task"):
        health.put_off(f"sweep of {kind}", error)
    for _ in range(2):
        health.goes_on()
    assert [line.split(",")[0] for line in lines] == [
        "sweep of Patient put off: ehr is not available: ConnectError",
        "ehr answers again",
    ]
