"""A state folder of version 0.1.0 is taken over: nothing is lost, nothing is done twice.

`tests/data/state-0.1.0.tar.xz` is what `make demo ONCE=1` of that version left behind: its event
log, intake's cursor, access logs, passwords and the embedded EHR, and what it printed (demo.json).
"""

import json
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from shared.ehr.proof import SYSTEM
from shared.json import Json
from shared.privacy.access_log import broken_at

pytestmark = pytest.mark.timeout(600)
FORMER = Path(__file__).parents[1] / "data" / "state-0.1.0.tar.xz"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("former") / "state"
    with tarfile.open(FORMER) as packed:
        packed.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def former(state: Path) -> Json:
    told: Json = json.loads((state / "demo.json").read_text(encoding="utf-8"))
    return told | {"written": written(state)}


@pytest.fixture(scope="module")
def now(state: Path, former: Json) -> Json:
    command = [sys.executable, "-m", "services.cli", "demo", "--once", "--json", "--state"]
    done = subprocess.run(
        [*command, str(state)], capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told: Json = json.loads(done.stdout)
    return told | {"written": written(state), "loaded": done.stderr}


def written(state: Path) -> dict[str, int]:
    """How many versions of each type of resource the EHR holds.

    Subscriptions follow ports, and the proof of the EHR's guards is newer than that state.
    """
    query = (
        "SELECT type, count(*) FROM versions WHERE json IS NULL OR json NOT LIKE ? GROUP BY type"
    )
    with closing(sqlite3.connect(state / "ehr" / "sekmet.db")) as db:
        rows = db.execute(query, (f"%{SYSTEM}%",))
        return {kind: count for kind, count in rows if kind != "Subscription"}


def test_every_answer_is_the_one_that_stood_there(former: Json, now: Json) -> None:
    def answers(told: Json) -> set[tuple[str, str, str, str]]:
        return {(o["service"], o["answer"], o["outcome"], o["resource"]) for o in told["outcomes"]}

    assert answers(now) == answers(former)
    assert len(answers(now)) == 4


def test_nothing_is_loaded_or_written_again(former: Json, now: Json) -> None:
    assert "(0 new)" in now["loaded"]
    assert now["written"] == former["written"]
    assert former["written"]["DiagnosticReport"] >= 3


def test_the_access_logs_go_on_where_they_ended(now: Json, state: Path) -> None:
    logs = sorted((state / "access").glob("*.jsonl"))
    assert [path.stem for path in logs] == ["genomics", "imaging", "notes", "treatment"]
    assert [broken_at(path) for path in logs] == [None] * 4
