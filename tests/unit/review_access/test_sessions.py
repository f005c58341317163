"""Sessions that the server keeps."""

import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.review.access.sessions import store
from services.review.access.sessions.store import Owner, SessionStore
from shared.errors import Misconfigured, Unavailable

ADA, NOBODY = Owner("ada", "radiologist"), Owner()
Clock = Callable[[float], None]


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Clock:
    passed = [1_000_000.0]
    monkeypatch.setattr("services.review.access.sessions.store.time.time", lambda: passed[0])

    def forward(seconds: float) -> None:
        passed[0] += seconds

    return forward


def opened(folder: Path, idle_sec: float = 900.0, longest_sec: float = 28_800.0) -> SessionStore:
    return SessionStore(folder / "sessions.sqlite", idle_sec, longest_sec)


def test_it_ends_after_a_quarter_of_an_hour_without_use(tmp_path: Path, wait: Clock) -> None:
    sessions = opened(tmp_path)
    sessions.add("a", b"data", ADA)
    for _ in range(3):
        wait(800)
        assert sessions.read("a") == b"data"
        sessions.use("a")
    wait(901)
    assert sessions.read("a") is None
    sessions.use("a")
    assert sessions.read("a") is None, "what has ended is not used again"


def test_it_ends_with_the_shift_however_busy(tmp_path: Path, wait: Clock) -> None:
    sessions = opened(tmp_path)
    sessions.add("a", b"data", ADA)
    for _ in range(40):
        wait(719)
        sessions.use("a")
    assert sessions.read("a") == b"data"
    wait(100)
    sessions.use("a")
    assert sessions.read("a") is None


def test_what_was_ended_is_not_kept_again(tmp_path: Path) -> None:
    sessions = opened(tmp_path)
    sessions.add("a", b"data", ADA)
    sessions.end("a")
    sessions.change("a", lambda _: b"a late answer")
    assert sessions.read("a") is None


def test_a_change_sees_what_another_one_left_and_keeps_nothing_alive(
    tmp_path: Path, wait: Clock
) -> None:
    sessions = opened(tmp_path)
    sessions.add("a", b"", ADA)
    wait(800)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(40):
            pool.submit(sessions.change, "a", lambda data: data + b"x")
    assert sessions.read("a") == b"x" * 40
    wait(101)
    assert sessions.read("a") is None
    sessions.change("a", lambda data: data)
    assert sessions.read("a") is None


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    sessions = opened(tmp_path)
    sessions.add("a", b"data", ADA)
    with pytest.raises(ZeroDivisionError):
        sessions.change("a", lambda data: bytes([1 // len(data[4:])]))
    sessions.change("a", lambda data: data + b"!")
    assert opened(tmp_path).read("a") == b"data!"


def test_a_slower_request_does_not_set_the_time_of_use_back(tmp_path: Path, wait: Clock) -> None:
    sessions = opened(tmp_path)
    sessions.add("a", b"data", ADA)
    wait(800)
    sessions.use("a")
    wait(-700)
    sessions.use("a")
    wait(1_550)
    assert sessions.read("a") == b"data"


def test_of_two_logins_at_once_with_other_grants_one_stands(tmp_path: Path) -> None:
    sessions = [opened(tmp_path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for number, one in enumerate(sessions):
            pool.submit(one.add, str(number), b"", Owner("ada", f"role {number}"))
    assert [n for n in range(4) if sessions[0].read(str(n)) is not None] in ([0], [1], [2], [3])


def test_another_grant_ends_the_older_sessions_of_that_person_alone(tmp_path: Path) -> None:
    sessions = opened(tmp_path)
    everybody = ("other role", "somebody else", "not logged in", "same")
    sessions.add("other role", b"", Owner("ada", "porter"))
    sessions.add("somebody else", b"", Owner("eve", "porter"))
    sessions.add("not logged in", b"", NOBODY)
    sessions.add("same", b"", ADA)
    assert [s for s in everybody if sessions.read(s) is None] == ["other role"]
    sessions.end_others(ADA)
    assert sessions.read("same") is not None
    sessions.end_others(Owner("ada"))
    assert [s for s in everybody if sessions.read(s) is None] == ["other role", "same"]


def test_asking_for_the_login_page_does_not_fill_the_disk(
    tmp_path: Path, wait: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_ANONYMOUS", 3)
    sessions = opened(tmp_path)
    sessions.add("ada", b"", ADA)
    for number in range(6):
        wait(1)
        sessions.add(f"guest {number}", b"", NOBODY)
    guests = [n for n in range(6) if sessions.read(f"guest {n}") is not None]
    assert guests == [2, 3, 4, 5] and sessions.read("ada") is not None


def test_two_processes_share_the_file(tmp_path: Path) -> None:
    sessions = opened(tmp_path)
    sessions.add("a", b"data", ADA)
    other = (
        "from pathlib import Path\n"
        "from tests.unit.review_access.test_sessions import opened\n"
        f"sessions = opened(Path({str(tmp_path)!r}))\n"
        "assert sessions.read('a') == b'data'\n"
        "sessions.end('a')\n"
    )
    subprocess.run([sys.executable, "-c", other], check=True)
    assert sessions.read("a") is None


def test_the_file_is_its_owners(tmp_path: Path) -> None:
    opened(tmp_path)
    assert stat.S_IMODE((tmp_path / "sessions.sqlite").stat().st_mode) == 0o600


def test_a_folder_that_can_t_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "sessions.sqlite").mkdir()
    with pytest.raises(Misconfigured, match="CARELOOP_STATE_DIR"):
        opened(tmp_path)


def test_a_damaged_file_opens_no_session(tmp_path: Path) -> None:
    sessions = opened(tmp_path)
    sessions.add("a", b"data", ADA)
    sessions.close()
    with pytest.raises(Unavailable, match="sessions"):
        sessions.read("a")
    for path in tmp_path.iterdir():
        path.write_bytes(b"no database" * 1_000)
    with pytest.raises(Misconfigured):
        opened(tmp_path)
