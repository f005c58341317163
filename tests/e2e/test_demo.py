"""`careloop demo` as a newcomer runs it: killed in the middle, run again to the end, and once more:
it adds nothing.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from services import catalogue
from services.clinic.demo import Demo

pytestmark = pytest.mark.timeout(600)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "state"


@pytest.fixture(scope="module")
def runs(state: Path) -> list[subprocess.CompletedProcess[str]]:
    """One run that is killed once the first answer has begun, then two whole ones; what stood after
    each is kept beside them.
    """
    kill_in_the_middle(state)
    return [whole_run(state) for _ in range(2)]


def command(state: Path) -> list[str]:
    return [sys.executable, "-m", "services.cli", "demo", "--once", "--json", "--state", str(state)]


def kill_in_the_middle(state: Path) -> None:
    with subprocess.Popen(
        command(state), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stderr is not None
        assert any("draft" in line or "requested" in line for line in demo.stderr), (
            "an answer has begun"
        )
        children = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(signal.SIGKILL)
    assert len(children) > len(catalogue.service_names())
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == [], "its children end with it"


def whole_run(state: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(state), cwd=ROOT, capture_output=True, text=True, timeout=400, check=False
    )
    (state / f"rows-{time.monotonic_ns()}").write_text(json.dumps(rows(state)))
    return done


def rows(state: Path) -> dict[str, int]:
    with sqlite3.connect(state / "ehr" / "sekmet.db") as db:
        found = {
            table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("resources", "versions")
        }
    db.close()
    return found


def test_every_service_gives_a_result_and_the_object_says_so(
    runs: list[subprocess.CompletedProcess[str]],
) -> None:
    for run in runs:
        assert run.returncode == 0, run.stderr[-2000:]
        told: dict[str, Any] = json.loads(run.stdout)
        assert set(told) == {"fhir_url", "outcomes"}
        assert {o["service"] for o in told["outcomes"] if o["outcome"] == "requested"} == set(
            catalogue.analyser_names()
        )
        assert all(
            set(o) == {"service", "answer", "outcome", "resource", "seconds"}
            for o in told["outcomes"]
        )
        assert all(o["resource"].count("/") == 1 and o["seconds"] >= 0 for o in told["outcomes"])


def test_a_run_after_a_run_adds_nothing(
    runs: list[subprocess.CompletedProcess[str]], state: Path
) -> None:
    first, second = (json.loads(p.read_text()) for p in sorted(state.glob("rows-*")))
    assert first == second and first["resources"] > 50
    assert json.loads(runs[0].stdout) == json.loads(runs[1].stdout)


def test_the_newcomer_is_told_where_to_look(runs: list[subprocess.CompletedProcess[str]]) -> None:
    for word in (
        "What stands in the EHR",
        "/results/",
        "Review page: http://127.0.0.1:",
        "password",
    ):
        assert word in runs[0].stderr


@pytest.fixture
def signals() -> Iterator[None]:
    """The demo takes the signals over; pytest gets them back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_what_does_not_settle_in_time_is_named(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    signals: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    assert Demo(tmp_path / "state", once=True, as_json=True, give_up_sec=0.5).run() == 1
    told = capsys.readouterr()
    assert "missing" in told.err and "has not answered" in told.err
    assert json.loads(told.out)["outcomes"] == []


def test_json_without_once_is_refused() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "services.cli", "demo", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert run.returncode == 2 and "--once" in run.stderr
