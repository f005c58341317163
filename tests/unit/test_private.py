"""What careloop keeps is made for its owner alone; what is there keeps its rights."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_IMODE

import pytest

from services.clinic.embedded_ehr import sekmet_command
from services.clinic.state import hold, keep
from services.intake.state import State
from services.review.access.sessions.store import SessionStore
from services.review.worklist.kept.schema import open_file
from shared.disk.private import private_file, private_folder
from shared.privacy.access_log import AccessLog
from shared.stream.sqlite.database import Database


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def rights(path: Path) -> int:
    return S_IMODE(path.stat().st_mode)


MADE: dict[str, Callable[[Path], object]] = {
    "events": lambda folder: Database(folder / "events.sqlite").close(),
    "intake": lambda folder: State(folder / "intake.sqlite").close(),
    "sessions": lambda folder: SessionStore(folder / "sessions.sqlite", 60, 60),
    "worklist": lambda folder: open_file(folder / "worklist.sqlite").close(),
    "access": lambda folder: AccessLog(folder, "notes").close(),
    "secret": lambda folder: keep(folder / "x.secret", b"x"),
}


@pytest.mark.parametrize("name", MADE)
def test_a_state_folder_and_its_files_are_the_owners_alone(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "careloop" / "state"
    MADE[name](folder)
    assert rights(folder) == rights(folder.parent) == 0o700
    files = [path for path in folder.iterdir() if path.is_file()]
    assert files and {rights(path) for path in files} == {0o600}


@pytest.mark.parametrize("name", MADE)
def test_a_folder_that_is_there_keeps_its_rights(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o750)
    MADE[name](folder)
    assert rights(folder) == 0o750


def test_the_folder_of_the_demos_ehr_is_the_owners_alone(tmp_path: Path) -> None:
    sekmet_command(tmp_path / "demo" / "ehr", 1)
    hold(tmp_path / "other").close()
    found = [tmp_path / "demo", tmp_path / "demo" / "ehr", tmp_path / "other"]
    assert [rights(path) for path in found] == [0o700] * 3


def test_a_file_that_is_there_keeps_its_content_and_rights(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    path.write_text("kept")
    path.chmod(0o640)
    private_file(path)
    assert path.read_text() == "kept" and rights(path) == 0o640


def test_a_folder_that_can_t_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match=r"exists|directory"):
            private_folder(folder)
