"""shared/web/outages.py: one line when something goes away, one when it is back."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from shared.ehr.wire.failures import failure
from shared.ehr.wire.response import Response
from shared.errors import Unavailable
from shared.runtime.pauses import Pauses
from shared.web.outages import FORGOTTEN_SEC, SETTLE_SEC, Outages


class KafkaConnectionError(Exception):
    """As kafka-python's: the filter knows it by its name."""


class KafkaTimeoutError(Exception):
    """As kafka-python's."""


class TopicAuthorizationFailedError(Exception):
    """As kafka-python's."""


@dataclass
class Connection:
    """As kafka-python's, with a node id."""

    node_id: object

    def __str__(self) -> str:
        return f"<KafkaConnection node_id={self.node_id}>"


@dataclass
class Heard(logging.Handler):
    """What passes the filter, at a time that the test sets."""

    lines: list[str] = field(default_factory=list)
    now: float = 1000.0

    def __post_init__(self) -> None:
        super().__init__()
        self.addFilter(Outages(lambda: self.now))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.getMessage()}")

    __hash__ = logging.Handler.__hash__


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler, root = Heard(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # the command line, in a test before this one, quiets them all
    names = ("kafka", "kafka.net.manager", "kafka.net.connection")
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)
    for logger, old in zip(loggers, before, strict=True):
        logger.setLevel(old)


def connecting(node: object, address: str = "10.0.0.1:9092") -> None:
    logging.getLogger("kafka.net.manager").info(
        "Initializing connection for node_id %s at %s:%s (rack=%s)",
        node,
        *address.split(":"),
        None,
    )


def lost(node: object, error: Exception) -> None:
    logging.getLogger("kafka.net.manager").error("Connection failed: %s", error)
    logging.getLogger("kafka.net.connection").error(
        "%s: Connection lost: %s", Connection(node), error
    )


def connected(node: object) -> None:
    logging.getLogger("kafka.net.connection").info("%s: Connected", Connection(node))


REFUSED = KafkaConnectionError("refused")


def test_what_is_away_is_told_once_and_once_when_it_is_back(heard: Heard) -> None:
    log = logging.getLogger("careloop.test")
    for _ in range(5):
        log.warning("ehr is not available: %s", "refused", extra={"away": "ehr"})
        heard.now += 10
    log.warning("ehr answers again", extra={"back": "ehr"})
    log.warning("ehr answers again", extra={"back": "ehr"})
    assert heard.lines == [
        "WARNING ehr is not available: refused",
        "WARNING ehr answers again, after 50 s",
    ]


def test_two_dependencies_are_two_outages(heard: Heard) -> None:
    log = logging.getLogger("careloop.test")
    for name in ("ehr", "pacs", "ehr", "pacs"):
        log.warning("%s is away", name, extra={"away": name})
    assert heard.lines == ["WARNING ehr is away", "WARNING pacs is away"]


def test_the_next_outage_is_told_again_but_not_a_late_complaint(heard: Heard) -> None:
    log = logging.getLogger("careloop.test")
    for wait in (SETTLE_SEC / 2, SETTLE_SEC * 2):
        log.warning("away", extra={"away": "ehr"})
        log.warning("back", extra={"back": "ehr"})
        heard.now += wait
        log.warning("late", extra={"away": "ehr"})
        log.warning("late back", extra={"back": "ehr"})
        heard.now += SETTLE_SEC * 2
    assert [line.split(",")[0] for line in heard.lines] == [
        "WARNING away",
        "WARNING back",
        "WARNING away",
        "WARNING back",
        "WARNING late",
        "WARNING late back",
    ]


def test_an_outage_of_which_nobody_speaks_any_more_hides_no_later_one(heard: Heard) -> None:
    log = logging.getLogger("careloop.test")
    log.warning("away", extra={"away": "url"})
    heard.now += FORGOTTEN_SEC + 1
    log.warning("away again", extra={"away": "url"})
    assert heard.lines == ["WARNING away", "WARNING away again"]


def test_what_is_not_marked_passes(heard: Heard) -> None:
    log = logging.getLogger("careloop.test")
    for _ in range(2):
        log.error("something else", extra={"away": None})
    assert heard.lines == ["ERROR something else"] * 2


def test_a_broker_is_told_by_its_address_whatever_its_clients_call_it(heard: Heard) -> None:
    for node in (1, "coordinator-1"):
        connecting(node)
        connected(node)
    for _ in range(20):
        lost(1, REFUSED)
        lost("coordinator-1", REFUSED)
        logging.getLogger("kafka.cluster").warning("No node available for metadata refresh")
        logging.getLogger("kafka.coordinator").error(
            "Error sending %s to node %s [%s]", "x", 1, REFUSED
        )
        heard.now += 1
    connected(1)
    connected("coordinator-1")
    assert heard.lines == [
        "WARNING the broker at 10.0.0.1:9092 does not answer (refused); asking until it does",
        "WARNING the broker at 10.0.0.1:9092 answers again, after 20 s",
    ]


def test_each_broker_of_a_cluster_has_its_own_lines(heard: Heard) -> None:
    for node in (1, 2):
        connecting(node, f"10.0.0.{node}:9092")
        lost(node, REFUSED)
    connected(2)
    lost(1, REFUSED)
    assert [line.split(" (")[0].split(",")[0] for line in heard.lines] == [
        "WARNING the broker at 10.0.0.1:9092 does not answer",
        "WARNING the broker at 10.0.0.2:9092 does not answer",
        "WARNING the broker at 10.0.0.2:9092 answers again",
    ]


def test_our_own_words_on_the_broker_add_nothing_to_these(heard: Heard) -> None:
    connecting(1)
    lost(1, REFUSED)
    pauses = Pauses("toy", 0.0)
    pauses.pause(Unavailable("broker", "refused"))
    pauses.put_off_commit(Unavailable("broker", "refused"))
    connected(1)
    pauses.broker_answered()
    pauses.committed()
    assert len(heard.lines) == 2


def test_errors_of_another_kind_pass_in_an_outage_too(heard: Heard) -> None:
    connecting(1)
    lost(1, REFUSED)
    refused = TopicAuthorizationFailedError("careloop.events")
    logging.getLogger("kafka.cluster").error("Metadata refresh: failed %s", refused)
    logging.getLogger("kafka.coordinator.consumer").exception(
        "User provided rebalance listener failed", exc_info=ValueError("x")
    )
    assert heard.lines[1:] == [
        "ERROR Metadata refresh: failed careloop.events",
        "ERROR User provided rebalance listener failed",
    ]


def test_a_time_out_is_an_error_while_the_broker_answers(heard: Heard) -> None:
    producer = logging.getLogger("kafka.producer.producer_batch")
    producer.warning("Failed to produce: %s", KafkaTimeoutError("expired"))
    connecting(1)
    lost(1, REFUSED)
    producer.warning("Failed to produce: %s", KafkaTimeoutError("expired"))
    connected(1)
    heard.now += SETTLE_SEC * 2
    producer.warning("Failed to produce: %s", KafkaTimeoutError("expired"))
    assert [line for line in heard.lines if "produce" in line] == [
        "WARNING Failed to produce: expired"
    ] * 2


def test_in_between_is_heard_at_debug(heard: Heard) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    connecting(1)
    lost(1, REFUSED)
    lost(1, REFUSED)
    assert "DEBUG Connection failed: refused" in heard.lines
    assert sum(line.startswith("WARNING") for line in heard.lines) == 1
    assert not any(line.startswith("ERROR") for line in heard.lines)


def failed(status: int) -> Unavailable:
    error = failure(Response(status), "GET Patient", safe=True, forwarded=False)
    assert isinstance(error, Unavailable)
    return error


@pytest.mark.parametrize("status", [401, 407, 408, 500])
def test_another_cause_is_told_once_in_the_same_outage(heard: Heard, status: int) -> None:
    for error in (failed(503), failed(502), failed(status), failed(503), failed(status)):
        Pauses("toy", 0.0).pause(error)
    Pauses("toy", 0.0).pause(Unavailable("ehr", "no Bundle", cause="shape"))
    logging.getLogger("careloop.test").warning("back", extra={"back": "ehr"})
    assert [line.split(": ")[-1].split()[0] for line in heard.lines[:1]] == ["503"]
    assert str(status) in heard.lines[1] and "no Bundle" in heard.lines[2]
    assert len(heard.lines) == 4


def test_what_was_said_at_info_hides_no_warning(heard: Heard) -> None:
    log, marks = logging.getLogger("careloop.test"), failed(503).outage
    for _ in range(3):
        log.info("it waits", extra=marks)
    for _ in range(2):
        log.warning("it pauses", extra=marks)
        log.info("it waits", extra=marks)
    assert heard.lines == ["INFO it waits", "WARNING it pauses"]
