"""What the Kafka event log promises while its broker is killed and comes back on the same data."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from services.clinic.ports import free_port
from shared.errors import Fenced, Misconfigured, Unavailable
from shared.settings import Settings
from shared.stream.base import Message, Record, Sink, Source
from shared.stream.kafka import KafkaLog
from tests.broker import Broker
from tests.contract.conftest import SESSION_MS, open_place
from tests.contract.following import PATIENCE_SEC, ends, follow, numbered, numbers, send, take

pytestmark = pytest.mark.kafka


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of this test's own, that it may kill."""
    broker = Broker(tmp_path / "kafka")
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture(autouse=True)
def closed_at_last(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what a test that failed left open.

    A client that nobody closes goes on asking its dead broker, and leaves a socket to the garbage
    collector each time: every later test of the session would fail for it.
    """
    with ExitStack() as opened:

        def remembered(make: Any) -> Any:
            return lambda log, *args: opened.enter_context(closing(make(log, *args)))

        for name in ("sink", "source"):
            monkeypatch.setattr(KafkaLog, name, remembered(getattr(KafkaLog, name)))
        yield


def eventually_sent(sink: Sink, topic: str, message: Message) -> None:
    deadline = time.monotonic() + PATIENCE_SEC
    while True:
        try:
            return sink.send(topic, [message], timeout_sec=2.0)
        except Unavailable:
            assert time.monotonic() < deadline


def test_a_killed_broker_is_told_and_survived(broker: Broker) -> None:
    log = open_place("kafka", broker.address)
    log.create({"t": 3})
    sink, source = log.sink(), log.source("t", "g")
    sink.send("t", numbered(20))
    came = take(source, 20)
    source.commit(ends(came[:8]))
    follow(source, until=lambda _: source.healthy())

    broker.kill()
    began = time.monotonic()
    with pytest.raises(Unavailable, match="broker is not available"):
        sink.send("t", [Message(b"k", b"100")], timeout_sec=2.0)
    assert time.monotonic() - began < 8.0, "it waited for more than it was given"
    assert follow(source, until=lambda _: not source.healthy()) == []
    with pytest.raises(Unavailable):
        source.commit(ends(came))

    broker.start()
    eventually_sent(sink, "t", Message(b"k", b"101"))
    came += follow(
        source,
        until=lambda records: (
            101 in numbers(records) and source.healthy() and len(source.assignment()) == 3
        ),
    )
    assert set(numbers(came)) - {100} == {*range(20), 101}
    follow(source, until=lambda records: committed(source, [*came, *records]))
    assert log.group_lag("t", "g") == 0
    sink.close()
    source.close()


def committed(source: Source, records: list[Record]) -> bool:
    """Try once; a coordinator that has just come back may refuse, or deal anew."""
    try:
        source.commit(ends(records))
    except (Unavailable, Fenced):
        return False
    return True


def test_a_source_opened_before_its_broker_joins_once_it_is_there(tmp_path: Path) -> None:
    broker = Broker(tmp_path / "kafka", free_port())
    log = KafkaLog(
        Settings(kafka_bootstrap_servers=broker.address, kafka_session_timeout_ms=SESSION_MS)
    )
    with pytest.raises(Unavailable):
        log.missing_topics([])
    source, sink = log.source("t", "g"), log.sink()
    assert not source.healthy()
    assert source.assignment() == frozenset()
    for attempt in (
        lambda: source.poll(0.1),
        lambda: sink.send("t", [Message(b"k", b"1")], timeout_sec=1.0),
    ):
        with pytest.raises(Unavailable):
            attempt()
    broker.start()
    try:
        with pytest.raises(Misconfigured, match="careloop topics"):
            source.poll(0.1)
        log.create({"t": 3})
        sink.send("t", numbered(5), timeout_sec=PATIENCE_SEC)
        assert sorted(numbers(take(source, 5))) == list(range(5))
        sink.close()
        source.close()
    finally:
        broker.kill()


def test_a_broker_that_comes_back_empty_is_read_from_its_start(tmp_path: Path) -> None:
    first, second = Broker(tmp_path / "one"), None
    first.start()
    log = KafkaLog(
        Settings(kafka_bootstrap_servers=first.address, kafka_session_timeout_ms=SESSION_MS)
    )
    log.create({"t": 1})
    source = log.source("t", "g")
    send(log, "t", numbered(9))
    source.commit(ends(take(source, 9)))
    first.kill()
    second = Broker(tmp_path / "two", first.port)
    second.start()
    try:
        log.create({"t": 1})
        send(log, "t", numbered(4))
        assert set(numbers(follow(source, until=lambda records: len(records) >= 4))) == {0, 1, 2, 3}
        source.close()
    finally:
        second.kill()


def test_two_processes_under_one_instance_id_end_the_older(broker: Broker) -> None:
    settings = Settings(
        kafka_bootstrap_servers=broker.address,
        kafka_session_timeout_ms=SESSION_MS,
        kafka_group_instance_id="pod-0",
    )
    log = KafkaLog(settings)
    log.create({"t": 3})
    older = log.source("t", "g")
    send(log, "t", numbered(6))
    came = take(older, 6)
    younger = log.source("t", "g")
    follow(younger, until=lambda _: len(younger.assignment()) == 3)
    with pytest.raises(Misconfigured, match="CARELOOP_KAFKA_GROUP_INSTANCE_ID"):
        older.commit(ends(came))
    younger.close()
    older.close()


def test_settings_that_the_client_refuses_are_named(tmp_path: Path) -> None:
    wrong = Settings(
        kafka_bootstrap_servers="127.0.0.1:1",
        kafka_security_protocol="SSL",
        kafka_ca_file=tmp_path / "missing.pem",
    )
    with pytest.raises(Misconfigured, match=r"missing\.pem"):
        KafkaLog(wrong).missing_topics([])


def test_a_join_that_is_answered_between_two_polls_is_taken(broker: Broker) -> None:
    """kafka-python throws such an answer away and joins again, which begins another generation: the
    group would never settle.
    """
    log = open_place("kafka", broker.address)
    log.create({"t": 3})
    source = log.source("t", "g")
    deadline = time.monotonic() + PATIENCE_SEC
    while not source.assignment():
        assert time.monotonic() < deadline
        source.poll(0.001)
        time.sleep(0.1)
    assert len(source.assignment()) == 3
    source.close()


def test_a_rebalance_completes_under_short_polls(broker: Broker) -> None:
    """kafka-python forgets a rejoin after a change of metadata when a poll ends while it is under
    way: it would never commit again.
    """
    log = open_place("kafka", broker.address)
    log.create({"t": 3})
    sink, source = log.sink(), log.source("t", "g")
    sink.send("t", numbered(20))
    came = take(source, 20)
    # kafka-python's own: there is no other way to make it rejoin
    coordinator = source._consumer._coordinator  # type: ignore[union-attr]  # noqa: SLF001
    for round_ in range(5):
        coordinator._metadata_snapshot = {"t": frozenset({f"changed {round_}"})}  # noqa: SLF001
        deadline = time.monotonic() + 0.3
        while time.monotonic() < deadline:
            came += source.poll(0.002)
    assert len(came) == 20, "no partition was given up meanwhile"
    follow(source, until=lambda _: committed(source, came))
    assert log.group_lag("t", "g") == 0
    sink.close()
    source.close()
