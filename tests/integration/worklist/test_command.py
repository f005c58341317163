"""`careloop worklist` at the embedded EHR, alone and beside the pages that run."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli.main import main
from services.review.worklist import feed as feeds
from services.review.worklist.index import INDEX, Index
from services.review.worklist.kept.query import Filter
from tests.fakes import SEKMET, FakeEhr
from tests.integration.worklist import rows
from tests.integration.worklist.conftest import FeedAt, WardAt
from tests.integration.worklist.feeding import ROOT
from tests.integration.worklist.ward import Ward
from tests.peers import sekmet


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    with sekmet(tmp_path_factory.mktemp("ehr")) as peer, closing(Ward(peer.base, 6)) as made:
        for _ in range(60):
            made.change()
        yield made


@pytest.fixture
def base(ward: Ward) -> str:
    return str(ward.http.base_url).rstrip("/")


@pytest.fixture(autouse=True)
def settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """No settings but the test's own."""
    for name in [n for n in os.environ if n.startswith("CARELOOP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CARELOOP_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("CARELOOP_FHIR_URL", request.getfixturevalue("base"))


def careloop(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["worklist", *arguments])


def test_the_index_is_built_and_told_of(base: str, tmp_path: Path) -> None:
    missing = careloop("status")
    assert missing.exit_code == 2 and "CARELOOP_STATE_DIR=.careloop/demo" in missing.stderr
    assert str(tmp_path / INDEX) in missing.stderr and "CARELOOP_FHIR_URL" in missing.stderr
    assert not (tmp_path / INDEX).exists(), "a look begins nothing"
    expected = rows.of_ehr(base)
    count = sum(map(len, expected.values()))
    built = careloop("rebuild")
    assert built.exit_code == 0 and f"{count} results are in the index." in built.stdout
    assert "results read" in built.stderr and "Next: `careloop worklist status`" in built.stdout

    index = Index(tmp_path / INDEX)
    assert rows.of_index(index) == expected
    index.close()
    status = careloop("status")
    assert status.exit_code == 0 and "complete: yes" in status.stdout
    found = dict(re.findall(r"^(.{20}) +(\d+)$", status.stdout, re.MULTILINE))
    assert int(found["Waiting for review  "]) == len(expected["requested"])
    told = json.loads(careloop("status", "--json").stdout)
    assert told["results"] == {o: len(listed) for o, listed in expected.items() if listed}
    assert told["complete"] is True and told["swept"]


def test_what_is_wrong_in_the_index_is_mended(base: str, tmp_path: Path, feed_at: FeedAt) -> None:
    assert careloop("rebuild").exit_code == 0
    index = Index(tmp_path / INDEX)
    feed = feed_at(base)
    known = index.marks(index.tasks())
    with closing(sqlite3.connect(index.path, isolation_level=None)) as db:
        db.execute("UPDATE heads SET text = 'wrong', rank = 0, outcome = 'requested'")
        db.execute("UPDATE patients SET name = 'wrong'")
    feed.sweep()
    assert index.marks(index.tasks()) == known
    assert rows.of_index(index) != rows.of_ehr(base), "its versions are right"
    assert careloop("rebuild").exit_code == 0
    assert rows.of_index(index) == rows.of_ehr(base)
    index.close()


def test_an_old_or_incomplete_list_is_no_good_one(base: str, tmp_path: Path) -> None:
    assert careloop("rebuild").exit_code == 0
    index = Index(tmp_path / INDEX)
    index.note(swept="2026-01-01T00:00:00.000Z")
    assert careloop("status").exit_code == 1
    index.note(complete=None)
    answer = careloop("status")
    assert answer.exit_code == 1 and "complete: no" in answer.stdout
    index.close()


def test_an_ehr_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_FHIR_URL", "http://127.0.0.1:9/fhir")
    monkeypatch.setenv("CARELOOP_FHIR_TIMEOUT_SEC", "0.5")
    answer = careloop("rebuild")
    assert answer.exit_code == 2 and "CARELOOP_FHIR_URL" in answer.stderr


def test_a_folder_that_can_t_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / INDEX).mkdir()
    answer = careloop("rebuild")
    assert answer.exit_code == 2 and "CARELOOP_STATE_DIR" in answer.stderr


def test_the_pages_may_run_meanwhile(
    ward: Ward, base: str, feed_at: FeedAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "SWEEP_SEC", 0.1)
    pages = feed_at(base)
    running = threading.Thread(target=pages.run)
    running.start()
    command = [sys.executable, "-m", "services.cli", "worklist", "rebuild"]
    for _ in range(2):
        rebuilding = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        while rebuilding.poll() is None:
            ward.change()
            pages.index.page(Filter())
            time.sleep(0.05)
        assert rebuilding.communicate()[0] and rebuilding.returncode == 0
    expected = rows.of_ehr(base)
    _until(lambda: rows.of_index(pages.index) == expected)
    pages.close()
    running.join()


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_what_is_ended_on_the_way_the_pages_go_on_with(
    feed_at: FeedAt, ward_at: WardAt, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals
) -> None:
    with FakeEhr(SEKMET) as fake:
        slow = ward_at(fake.base, 7)
        for _ in range(100):
            slow.change()
        monkeypatch.setenv("CARELOOP_FHIR_URL", fake.base)
        pages = feed_at(fake.base)
        pages.sweep()
        fake.faults.latency_sec = 0.2
        command = [sys.executable, "-m", "services.cli", "worklist", "rebuild"]
        # a background job of a shell ignores SIGINT, and its children inherit that
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        rebuilding = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        signal.signal(signal.SIGINT, before)
        _until(lambda: pages.index.fact("complete") is None)
        rebuilding.send_signal(sent)
        assert rebuilding.wait(30) != 0
        fake.faults.latency_sec = 0.0
        assert pages.index.fact("complete") is None
        pages.sweep()
        assert pages.index.fact("complete") is not None
        assert rows.of_index(pages.index) == rows.of_ehr(fake.base)


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
