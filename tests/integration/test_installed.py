"""An environment that has one extra alone: `models` lists what there is, `doctor` calls the rest
not installed, and missing only where it is asked for.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.privacy.access_log import AccessLog
from tests.fakes import FakeEhr

ONE_EXTRA = (
    "import sys; sys.modules |= dict.fromkeys(('pydicom', 'torch', 'transformers', "
    "'authlib')); from services.cli.main import main; main(sys.argv[1:])"
)


def bare(tmp_path: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`careloop ARGUMENTS` where only the modules of genomics and treatment can be imported."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CARELOOP_")}
    own = {"CARELOOP_STATE_DIR": str(tmp_path)} | {
        f"CARELOOP_{name.upper()}": value for name, value in settings.items()
    }
    return subprocess.run(
        [sys.executable, "-c", ONE_EXTRA, *arguments],
        env=inherited | own,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_models_lists_what_there_is_and_names_the_extra_of_the_rest(tmp_path: Path) -> None:
    done = bare(tmp_path, "models")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["genomics", "treatment"]
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["imaging", "notes"]
    assert "careloop[imaging]" in done.stderr


def test_doctor_notes_what_is_not_installed_unless_it_is_named(tmp_path: Path) -> None:
    with FakeEhr() as ehr:
        settings = {
            "fhir_url": ehr.base,
            "review_local_user": "x:Practitioner/1",
            "review_local_password": "x",
        }
        assert bare(tmp_path, "topics", **settings).returncode == 0
        everything = bare(tmp_path, "doctor", **settings)
        assert everything.returncode == 0, everything.stdout
        assert "note     imaging: not installed here: " in everything.stdout
        named = bare(tmp_path, "doctor", "genomics", "imaging", **settings)
        assert named.returncode == 1
        assert "missing  imaging: not installed here: " in named.stdout
        assert "ok       model of genomics" in named.stdout


@pytest.mark.parametrize("changed", [False, True])
def test_doctor_tells_whether_the_access_logs_are_whole(tmp_path: Path, changed: bool) -> None:
    access_log = AccessLog(tmp_path / "access", "genomics")
    for number in range(3):
        access_log(f"DocumentReference/{number}", None)
    access_log.close()
    path = tmp_path / "access" / "genomics.jsonl"
    if changed:
        path.write_bytes(path.read_bytes().replace(b"DocumentReference/0", b"DocumentReference/9"))
    said = bare(tmp_path, "doctor", "genomics").stdout
    assert (
        "missing  access log genomics.jsonl: the chain is broken at line 2"
        if changed
        else "ok       access log genomics.jsonl: the chain is whole"
    ) in said
