"""Stream: records."""

import time
from collections import defaultdict
from contextlib import suppress

from shared.errors import Unavailable
from shared.stream.base import Log, Message, Record
from tests.contract.conftest import PARTITIONS
from tests.contract.following import (
    PATIENCE_SEC,
    commit,
    ends,
    fenced,
    follow,
    nothing_comes,
    numbered,
    numbers,
    send,
    take,
)


def test_a_key_stays_in_one_partition_and_its_records_in_order(
    log: Log, topic: str, group: str
) -> None:
    send(log, topic, numbered(200, keys=20))
    source = log.source(topic, group)
    by_key = defaultdict(list)
    for record in take(source, 200):
        by_key[record.key].append(record)
    assert len(by_key) == 20
    assert len({r.partition for records in by_key.values() for r in records}) > 1
    for records in by_key.values():
        assert len({r.partition for r in records}) == 1
        assert numbers(records) == sorted(numbers(records))
        assert [r.offset for r in records] == sorted({r.offset for r in records})
    source.close()


def test_a_record_comes_back_as_it_was_sent(log: Log, topic: str, group: str) -> None:
    headers = (("ce_id", b"1"), ("ce_id", b"2"), ("bytes", b"\x00\xff\xc3\xa9"), ("empty", b""))
    sent = [Message(b"k", b"\x00\xff", headers), Message(b"k", None), Message(b"k", b"")]
    began = time.time()
    send(log, topic, sent)
    source = log.source(topic, group)
    came = take(source, 3)
    assert [(r.key, r.value, tuple(r.headers)) for r in came] == [
        (m.key, m.value, tuple(m.headers)) for m in sent
    ]
    assert {r.topic for r in came} == {topic}
    assert all(began - 1 <= r.timestamp <= time.time() + 1 for r in came)
    source.close()


def test_poll_returns_empty_when_its_time_is_over(log: Log, topic: str, group: str) -> None:
    source = log.source(topic, group)
    follow(source, until=lambda _: len(source.assignment()) == PARTITIONS)
    began = time.monotonic()
    assert not source.poll(0.3)
    assert 0.2 < time.monotonic() - began < 10
    source.close()


def test_what_was_not_committed_comes_again(log: Log, topic: str, group: str) -> None:
    send(log, topic, numbered(20))
    first = log.source(topic, group)
    assert sorted(numbers(take(first, 20))) == list(range(20))
    first.close()
    second = log.source(topic, group)
    assert sorted(numbers(take(second, 20))) == list(range(20))
    second.close()


def test_a_commit_survives_and_only_the_rest_comes(log: Log, topic: str, group: str) -> None:
    send(log, topic, numbered(20))
    first = log.source(topic, group)
    done = take(first, 20)[:11]
    first.commit(ends(done))
    first.close()
    second = log.source(topic, group)
    assert set(numbers(done)).isdisjoint(numbers(take(second, 9)))
    second.close()


def test_groups_do_not_see_each_other(log: Log, topic: str) -> None:
    send(log, topic, numbered(5))
    for suffix in ("one", "other"):
        source = log.source(topic, f"{topic}-{suffix}")
        source.commit(ends(take(source, 5)))
        source.close()


def test_a_commit_never_goes_back(log: Log, topic: str, group: str) -> None:
    send(log, topic, numbered(30, keys=1))
    first = log.source(topic, group)
    came = take(first, 30)
    partition = came[0].partition
    first.commit({partition: 25})
    first.commit({partition: 3})
    first.close()
    second = log.source(topic, group)
    assert numbers(take(second, 5)) == [25, 26, 27, 28, 29]
    second.commit({partition: 7})
    assert log.group_lag(topic, group) == 5
    second.close()


def test_members_share_the_partitions_and_one_that_leaves_hands_over(
    log: Log, topic: str, group: str
) -> None:
    one, two = log.source(topic, group), log.source(topic, group)
    follow(
        one, two, until=lambda _: len(one.assignment()) == len(two.assignment()) == PARTITIONS // 2
    )
    assert one.assignment() | two.assignment() == frozenset(range(PARTITIONS))
    send(log, topic, numbered(60, keys=30))
    came = follow(one, two, until=lambda records: len(records) >= 60)
    assert sorted(numbers(came)) == list(range(60))
    commit(two, came, one)
    theirs = [r for r in came if r.partition in one.assignment()]
    one.close()
    again = follow(two, until=lambda records: len(records) >= len(theirs))
    assert sorted(numbers(again)) == sorted(numbers(theirs))
    two.close()


def test_a_third_member_gets_its_part_and_nothing_is_lost_or_left_out(
    log: Log, topic: str, group: str
) -> None:
    members = [log.source(topic, group)]
    sent = 0
    done: set[int] = set()
    owed: dict[int, list[Record]] = defaultdict(list)
    for size in (1, 2, 3):
        while len(members) < size:
            members.append(log.source(topic, group))
        send(log, topic, [Message(b"Patient/%d" % i, b"%d" % i) for i in range(sent, sent + 40)])
        sent += 40
        deadline = time.monotonic() + PATIENCE_SEC
        while (
            sorted(len(m.assignment()) for m in members) != [PARTITIONS // size] * size
            or len(done) < sent
            or any(owed.values())
        ):
            assert time.monotonic() < deadline, ([m.assignment() for m in members], len(done))
            for number, member in enumerate(members):
                owed[number] += member.poll(0.02)
                done |= set(numbers(owed[number]))
                with suppress(Unavailable):  # not known to be committed: again, next time
                    member.commit(
                        {
                            p: offset
                            for p, offset in ends(owed[number]).items()
                            if p in member.assignment()
                        }
                    )
                    owed[number].clear()
    assert done == set(range(sent))
    assert log.group_lag(topic, group) == 0
    for member in members:
        member.close()


def test_what_is_given_back_is_announced_and_a_commit_for_it_is_fenced(
    log: Log, topic: str, group: str
) -> None:
    send(log, topic, numbered(60, keys=30))
    one = log.source(topic, group)
    gone: set[int] = set()
    one.on_revoked = gone.update
    came = take(one, 60)
    two = log.source(topic, group)
    follow(
        one, two, until=lambda _: len(one.assignment()) == len(two.assignment()) == PARTITIONS // 2
    )
    assert gone == frozenset(range(PARTITIONS)) - one.assignment() == two.assignment()
    assert fenced(one, came, two) == gone & ends(came).keys()
    assert log.group_lag(topic, group) == sum(r.partition in gone for r in came), (
        "ours was committed, theirs was not"
    )
    one.close()
    two.close()


def test_a_paused_partition_waits_and_loses_nothing(log: Log, topic: str, group: str) -> None:
    source = log.source(topic, group)
    follow(source, until=lambda _: len(source.assignment()) == PARTITIONS)
    send(log, topic, numbered(40, keys=20))
    first = take(source, 40)
    held = frozenset({first[0].partition})
    source.pause(held)
    send(log, topic, numbered(40, keys=20))
    others = follow(
        source, until=lambda records: len(records) >= sum(r.partition not in held for r in first)
    )
    assert not held & {r.partition for r in others}
    assert nothing_comes(source)
    source.pause(frozenset())
    rest = take(source, 40 - len(others))
    assert {r.partition for r in rest} == held
    assert sorted(numbers(others + rest)) == list(range(40))
    source.close()
