"""Members that are processes, and die without a goodbye."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.stream.base import Log
from tests.contract.conftest import Place
from tests.contract.following import ends, follow, numbered, numbers, send

ROOT = Path(__file__).parents[2]


class Member:
    """One running `tests.contract.member`."""

    def __init__(self, place: Place, topic: str, group: str, commits: str, out: Path) -> None:
        self._out = out
        arguments = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tests.contract.member",
            place.kind,
            place.address,
            topic,
            group,
            commits,
        ]
        with out.open("wb") as lines:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.PIPE, stdout=lines, cwd=ROOT
            )

    def lines(self, word: str) -> list[list[int] | str]:
        return [
            line[word]
            for line in map(json.loads, self._out.read_bytes().rpartition(b"\n")[0].splitlines())
            if word in line
        ]

    def numbers(self, word: str) -> list[int]:
        return [n for line in self.lines(word) for n in line if isinstance(n, int)]

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def tell(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"commit\n")
        self._process.stdin.flush()

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


Start = Callable[[str], Member]


@pytest.fixture
def start(durable_place: Place, topic: str, group: str, tmp_path: Path) -> Iterator[Start]:
    members: list[Member] = []

    def begin(commits: str) -> Member:
        members.append(
            Member(durable_place, topic, group, commits, tmp_path / f"member-{len(members)}.jsonl")
        )
        return members[-1]

    yield begin
    for member in members:
        member.end()


def wait(until: Callable[[], bool], patience_sec: float = 120.0) -> None:
    deadline = time.monotonic() + patience_sec
    while not until():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_killed_members_lose_nothing(
    start: Start, durable_log: Log, topic: str, group: str
) -> None:
    members = [start("yes"), start("yes")]
    for round_ in range(3):
        sent = numbered(300 * (round_ + 1), keys=40)[300 * round_ :]
        send(durable_log, topic, sent)
        wait(lambda: bool(members[-1].numbers("took")) or bool(members[-2].numbers("took")))
        members[-2].signal(signal.SIGKILL)
        members.append(start("yes"))
    wait(lambda: durable_log.group_lag(topic, group) == 0)
    wait(lambda: {n for m in members for n in m.numbers("took")} == set(range(900)))


def test_a_dead_members_uncommitted_records_go_to_the_others(
    start: Start, durable_place: Place, durable_log: Log, topic: str, group: str
) -> None:
    send(durable_log, topic, numbered(40, keys=20))
    victim = start("no")
    wait(lambda: set(victim.numbers("took")) == set(range(40)))
    killed_at = time.monotonic()
    victim.signal(signal.SIGKILL)
    heir = durable_log.source(topic, group)
    came = follow(heir, until=lambda records: len(records) >= 40)
    assert time.monotonic() - killed_at < 10 * durable_place.silent_sec + 20
    assert sorted(numbers(came)) == list(range(40))
    heir.close()


def test_a_stopped_member_that_wakes_up_can_not_commit_for_its_heir(
    start: Start, durable_log: Log, topic: str, group: str
) -> None:
    send(durable_log, topic, numbered(40, keys=20))
    sleeper = start("no")
    wait(lambda: set(sleeper.numbers("took")) == set(range(40)))
    sleeper.signal(signal.SIGSTOP)
    heir = durable_log.source(topic, group)
    assert len(follow(heir, until=lambda records: len(records) >= 40)) == 40
    sleeper.tell()
    sleeper.signal(signal.SIGCONT)
    follow(heir, until=lambda _: bool(sleeper.lines("refused") or sleeper.lines("committed")))
    assert set(sleeper.lines("refused")) <= {"Fenced", "Unavailable"}
    assert sleeper.lines("committed") == []
    assert durable_log.group_lag(topic, group) == 40
    heir.close()


def test_a_stopped_member_that_wakes_up_can_not_rewind_its_heir(
    start: Start, durable_log: Log, topic: str, group: str
) -> None:
    send(durable_log, topic, numbered(40, keys=20))
    sleeper = start("no")
    wait(lambda: set(sleeper.numbers("took")) == set(range(40)))
    sleeper.signal(signal.SIGSTOP)
    heir = durable_log.source(topic, group)
    came = follow(heir, until=lambda records: len(records) >= 40)
    send(durable_log, topic, numbered(20, keys=20))
    came += follow(heir, until=lambda records: len(records) >= 20)
    heir.commit(ends(came))
    sleeper.tell()
    sleeper.signal(signal.SIGCONT)
    follow(heir, until=lambda _: bool(sleeper.lines("refused") or sleeper.lines("committed")))
    assert durable_log.group_lag(topic, group) == 0
    heir.close()
