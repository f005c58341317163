"""What the SQLite event log promises beyond the contract: many processes on one file, give-back
without double work, a file in trouble.
"""

import resource
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from shared.errors import Misconfigured, Unavailable
from shared.stream.base import EVENTS_TOPIC, Message, Record
from shared.stream.sqlite import SqliteLog
from shared.stream.sqlite.database import BUSY_SEC
from shared.stream.sqlite.source import SqliteSource
from tests.contract.conftest import LEASE_SEC, PARTITIONS
from tests.contract.following import ends, follow, nothing_comes, numbered, numbers, send, take

ROOT = Path(__file__).parents[2]
SENDER = """
import sys
from pathlib import Path
from shared.stream.base import EVENTS_TOPIC, Message
from shared.stream.sqlite import SqliteLog
log = SqliteLog(Path(sys.argv[1]))
log.create_topics(6, ["imaging"])
sink = log.sink()
for i in range(100):
    sink.send(EVENTS_TOPIC, [Message(sys.argv[2].encode(), b"%d" % i)], timeout_sec=30)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite"


@pytest.fixture
def embedded(path: Path) -> SqliteLog:
    log = SqliteLog(path, LEASE_SEC)
    log.create_topics(PARTITIONS, [])
    return log


def test_processes_that_start_at_once_on_a_new_file_meet_no_lock_error(path: Path) -> None:
    senders = [
        subprocess.Popen(
            [sys.executable, "-c", SENDER, str(path), f"sender-{n}"],
            cwd=ROOT,
            stderr=subprocess.PIPE,
        )
        for n in range(4)
    ]
    for sender in senders:
        _, errors = sender.communicate(timeout=120)
        assert sender.returncode == 0, errors.decode()
    records = list(SqliteLog(path).scan(EVENTS_TOPIC))
    assert Counter(r.key for r in records) == {b"sender-%d" % n: 100 for n in range(4)}
    assert len({(r.partition, r.offset) for r in records}) == 400


def test_partitions_are_given_back_only_when_what_was_read_is_finished(path: Path) -> None:
    """Under a lease that does not run out meanwhile; each poll looks after it, as one in a third of
    a lease does.
    """
    log = SqliteLog(path, lease_sec=600)
    log.create_topics(PARTITIONS, [])
    send(log, EVENTS_TOPIC, numbered(60, keys=30))
    one = log.source(EVENTS_TOPIC, "g")
    came = take(one, 60)
    two = log.source(EVENTS_TOPIC, "g")

    def poll() -> list[Record]:
        for source in (one, two):
            assert isinstance(source, SqliteSource)
            source.renew_soon()
        return [*one.poll(0.02), *two.poll(0.02)]

    assert [poll() for _ in range(10)] == [[]] * 10
    assert two.assignment() == frozenset()
    one.commit(ends(came))
    assert [poll() for _ in range(10)] == [[]] * 10, "nothing was done twice"
    assert len(one.assignment()) == len(two.assignment()) == PARTITIONS // 2
    one.close()
    two.close()


def test_a_partition_with_a_stuck_record_is_given_back_all_the_same(embedded: SqliteLog) -> None:
    send(embedded, EVENTS_TOPIC, numbered(60, keys=30))
    one = embedded.source(EVENTS_TOPIC, "g")
    came = take(one, 60)
    two = embedded.source(EVENTS_TOPIC, "g")
    again = follow(
        one,
        two,
        until=lambda records: (
            {r.partition for r in records} == two.assignment()
            and len(two.assignment()) == PARTITIONS // 2
        ),
    )
    assert sorted(numbers(again)) == sorted(
        numbers(r for r in came if r.partition in two.assignment())
    )
    one.close()
    two.close()


def test_leases_from_before_the_clock_was_set_back_do_not_last(
    embedded: SqliteLog, path: Path
) -> None:
    embedded.source(EVENTS_TOPIC, "g").close()
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE leases SET owner = 'gone', epoch = 7, expires = ?", (time.time() + 3600,)
        )
        connection.execute(
            "INSERT INTO members VALUES ('g', ?, 'gone', 0, ?)", (EVENTS_TOPIC, time.time() + 3600)
        )
    connection.close()
    source = embedded.source(EVENTS_TOPIC, "g")
    follow(source, until=lambda _: len(source.assignment()) == PARTITIONS)
    source.close()


def test_health_ends_when_leases_can_not_be_renewed_and_comes_back(
    embedded: SqliteLog, path: Path
) -> None:
    source = embedded.source(EVENTS_TOPIC, "g")
    follow(source, until=lambda _: bool(source.assignment()))
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"):
        follow(source, until=lambda _: False)
    assert not source.healthy()
    blocker.execute("ROLLBACK")
    blocker.close()
    follow(source, until=lambda _: source.healthy() and len(source.assignment()) == PARTITIONS)
    source.close()


def test_a_sender_that_meets_a_lock_gives_up_in_time(embedded: SqliteLog, path: Path) -> None:
    sink = embedded.sink()
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(Unavailable, match="broker is not available"):
        sink.send(EVENTS_TOPIC, [Message(b"k", b"v")], timeout_sec=0.3)
    assert time.monotonic() - began < 4.5, f"it waited for {BUSY_SEC} s"
    blocker.execute("ROLLBACK")
    blocker.close()
    sink.send(EVENTS_TOPIC, [Message(b"k", b"v")])
    assert len(list(embedded.scan(EVENTS_TOPIC))) == 1
    sink.close()


def test_a_damaged_file_says_so(path: Path) -> None:
    path.write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(Misconfigured, match=r"events\.sqlite is damaged .* restore it"):
        SqliteLog(path).sink()


def test_pages_damaged_under_a_running_log_are_told(embedded: SqliteLog, path: Path) -> None:
    send(embedded, EVENTS_TOPIC, numbered(2000))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(Misconfigured, match="damaged"):
        list(embedded.scan(EVENTS_TOPIC))


def test_another_programs_database_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE patients (id)")
    connection.close()
    with pytest.raises(Misconfigured, match="is not an event log of this version"):
        SqliteLog(path).create_topics(1, [])


def test_a_folder_that_can_not_be_written_says_which_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Misconfigured, match="CARELOOP_STATE_DIR"):
        SqliteLog(tmp_path / "file" / "events.sqlite").sink()


def test_a_full_disk_refuses_the_record_and_keeps_the_others(embedded: SqliteLog) -> None:
    sink = embedded.sink()
    sink.send(EVENTS_TOPIC, [Message(b"k", b"before")])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (200_000, hard)
    )  # CPython ignores SIGXFSZ: a write past it fails with EFBIG
    try:
        with pytest.raises(Unavailable):
            sink.send(EVENTS_TOPIC, [Message(b"k", b"x" * 1_000_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    sink.send(EVENTS_TOPIC, [Message(b"k", b"after")])
    assert [r.value for r in embedded.scan(EVENTS_TOPIC)] == [b"before", b"after"]
    sink.close()


def test_old_events_go_and_the_offsets_go_on(embedded: SqliteLog, path: Path) -> None:
    send(embedded, EVENTS_TOPIC, numbered(5, keys=1))
    with sqlite3.connect(path) as connection:
        connection.execute('UPDATE records SET at = at - 31 * 86400 WHERE "offset" < 3')
    connection.close()
    embedded.create_topics(PARTITIONS, [])
    send(embedded, EVENTS_TOPIC, numbered(1, keys=1))
    assert [r.offset for r in embedded.scan(EVENTS_TOPIC)] == [3, 4, 5]
    assert embedded.group_lag(EVENTS_TOPIC, "new") == 3
    source = embedded.source(EVENTS_TOPIC, "new")
    assert [r.offset for r in take(source, 3)] == [3, 4, 5]
    assert nothing_comes(source, 0.2)
    source.close()
