"""The three event logs under one contract."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.stream.kafka import KafkaLog
from shared.stream.memory import MemoryLog
from shared.stream.sqlite import SqliteLog
from tests.broker import Broker

PARTITIONS = 6
# a machine that stalls for less keeps its members; below `BUSY_SEC`, for the test of health
LEASE_SEC = 4.0
SESSION_MS = 8_000


@dataclass(frozen=True)
class Place:
    """Where a log lives, for this process and for others.

    Attributes:
        kind: `memory`, `sqlite` or `kafka`.
        address: a file or `host:port`; empty in memory.
        silent_sec: how long a member that is silent keeps its partitions.
    """

    kind: str
    address: str
    silent_sec: float


def open_place(kind: str, address: str) -> SqliteLog | KafkaLog:
    """A log that keeps what it is told: a second one of the same address finds it."""
    if kind == "kafka":
        return KafkaLog(
            Settings(kafka_bootstrap_servers=address, kafka_session_timeout_ms=SESSION_MS)
        )
    return SqliteLog(Path(address), LEASE_SEC)


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def durable_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place("sqlite", str(tmp_path / "state" / "events.sqlite"), LEASE_SEC)
    broker: Broker = request.getfixturevalue("kafka_broker")
    return Place("kafka", broker.address, SESSION_MS / 1000)


@pytest.fixture
def durable_log(durable_place: Place) -> SqliteLog | KafkaLog:
    return open_place(durable_place.kind, durable_place.address)


@pytest.fixture(params=["memory", "sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteLog | KafkaLog]:
    if request.param == "kafka":
        broker: Broker = request.getfixturevalue("kafka_broker")
        yield open_place("kafka", broker.address)
    elif request.param == "sqlite":
        yield open_place("sqlite", str(tmp_path / "events.sqlite"))
    else:
        yield MemoryLog(LEASE_SEC)


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """A topic of its own for each test, of `PARTITIONS` partitions."""
    name = f"contract.{uuid.uuid4().hex}"
    subject = request.getfixturevalue(
        "durable_log" if "durable_log" in request.fixturenames else "log"
    )
    assert subject.create({name: PARTITIONS}) == [name]
    return name


@pytest.fixture
def group() -> str:
    """A group of its own: Kafka's groups outlive topics."""
    return f"group-{uuid.uuid4().hex}"
