"""Stream: topics."""

import threading
import uuid
from collections import defaultdict

import pytest

from shared.errors import Misconfigured
from shared.stream.base import EVENTS_TOPIC, Log, Message, dead_letter_topic
from tests.contract.conftest import PARTITIONS
from tests.contract.following import (
    PATIENCE_SEC,
    ends,
    follow,
    numbered,
    numbers,
    send,
    take,
)


def test_lag_counts_what_is_not_committed(log: Log, topic: str, group: str) -> None:
    assert log.group_lag(topic, group) == 0
    send(log, topic, numbered(12))
    assert log.group_lag(topic, group) == 12
    source = log.source(topic, group)
    came = take(source, 12)
    assert (source.lag(), log.group_lag(topic, group)) == (12, 12)
    source.commit(ends(came[:5]))
    left = 12 - sum(ends(came[:5]).values())
    assert (source.lag(), log.group_lag(topic, group)) == (left, left)
    source.close()
    assert log.group_lag(topic, group) == left


def test_scan_shows_what_is_there_now_without_a_group(log: Log, topic: str, group: str) -> None:
    assert list(log.scan(topic)) == []
    send(log, topic, numbered(1500, keys=40))
    reader = log.scan(topic)
    first = next(reader)
    send(log, topic, numbered(3))
    came = [first, *reader]
    assert sorted(numbers(came)) == list(range(1500))
    assert log.group_lag(topic, group) == 1503


def test_a_reset_group_reads_from_the_start(log: Log, topic: str, group: str) -> None:
    send(log, topic, numbered(10))
    source = log.source(topic, group)
    source.commit(ends(take(source, 10)))
    with pytest.raises(Misconfigured, match="stop the service"):
        log.group_reset(topic, group)
    source.close()
    log.group_reset(topic, group)
    assert log.group_lag(topic, group) == 10
    again = log.source(topic, group)
    assert len(take(again, 10)) == 10
    again.close()


def test_a_topic_that_does_not_exist_is_named_with_the_command_that_makes_it(
    log: Log, group: str
) -> None:
    for attempt in (
        lambda: log.source("nothing.here", group),
        lambda: list(log.scan("nothing.here")),
        lambda: log.group_lag("nothing.here", group),
    ):
        with pytest.raises(Misconfigured, match=r"nothing\.here does not exist; `careloop topics`"):
            attempt()


def test_topics_are_made_once(log: Log) -> None:
    service = f"fifth-{uuid.uuid4().hex[:8]}"
    assert dead_letter_topic(service) in log.missing_topics([service])
    assert dead_letter_topic(service) in log.create_topics(PARTITIONS, [service])
    assert log.create_topics(PARTITIONS, [service]) == []
    assert log.missing_topics([service]) == []
    source = log.source(EVENTS_TOPIC, service)
    follow(source, until=lambda _: len(source.assignment()) == PARTITIONS)
    source.close()
    source = log.source(dead_letter_topic(service), service)
    follow(source, until=lambda _: len(source.assignment()) == 1)
    source.close()


def test_several_threads_may_send(log: Log, topic: str) -> None:
    sink = log.sink()

    def run(thread: int) -> None:
        for i in range(25):
            sink.send(
                topic,
                [
                    Message(b"thread-%d" % thread, b"%d" % (thread * 100 + i)),
                    Message(b"thread-%d" % thread, b"-1"),
                ],
                timeout_sec=PATIENCE_SEC,
            )

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sink.close()
    by_key = defaultdict(list)
    for record in log.scan(topic):
        by_key[record.key].append(record)
    assert {key: [n for n in numbers(records) if n >= 0] for key, records in by_key.items()} == {
        b"thread-%d" % n: [n * 100 + i for i in range(25)] for n in range(8)
    }
    assert sum(len(records) for records in by_key.values()) == 400


def test_a_member_is_healthy_once_it_joined(log: Log, topic: str, group: str) -> None:
    source = log.source(topic, group)
    follow(source, until=lambda _: bool(source.assignment()))
    assert source.healthy()
    source.close()
