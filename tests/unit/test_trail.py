"""The access log: whole after restarts, one process a file, and every tampering that a chain can
show shows.
"""

from contextlib import closing
from pathlib import Path

import pytest

from shared.errors import Misconfigured, Unavailable
from shared.privacy.access_log import AccessLog, broken_at, logs_of


def written(folder: Path) -> list[bytes]:
    for _ in range(2):  # a restart in between
        with closing(AccessLog(folder, "notes")) as access_log:
            for number in range(3):
                access_log(f"DocumentReference/{number}", "Patient/1")
    return (folder / "notes.jsonl").read_bytes().splitlines(keepends=True)


def test_whole_after_a_restart(tmp_path: Path) -> None:
    assert len(written(tmp_path / "access")) == 6
    assert broken_at(tmp_path / "access" / "notes.jsonl") is None


@pytest.mark.parametrize("line", range(5))
def test_a_changed_or_missing_line_shows(tmp_path: Path, line: int) -> None:
    path = tmp_path / "notes.jsonl"
    lines = written(tmp_path)
    path.write_bytes(
        b"".join(
            [*lines[:line], lines[line].replace(b"Patient/1", b"Patient/2"), *lines[line + 1 :]]
        )
    )
    assert broken_at(path) == line + 2
    path.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    assert broken_at(path) == line + 1


def test_a_line_that_a_crash_tore_shows_and_the_chain_goes_on_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    lines = written(tmp_path)
    path.write_bytes(b"".join(lines)[:-20])
    written(tmp_path)
    assert broken_at(path) == 6
    assert len(path.read_bytes().splitlines()) == 12


def test_two_processes_of_one_service_write_two_files(tmp_path: Path) -> None:
    with (
        closing(AccessLog(tmp_path, "notes")) as first,
        closing(AccessLog(tmp_path, "notes")) as second,
    ):
        for access_log in (first, second) * 3:
            access_log("DocumentReference/1", "Patient/1")
    with closing(AccessLog(tmp_path, "notes-like")) as other:
        other("DocumentReference/1", None)
    logs = logs_of(tmp_path, "notes")
    assert [log.name for log in logs] == ["notes-2.jsonl", "notes.jsonl"]
    assert [(len(log.read_bytes().splitlines()), broken_at(log)) for log in logs] == [
        (3, None),
        (3, None),
    ]


def test_a_log_that_is_moved_away_leaves_two_whole_ones(tmp_path: Path) -> None:
    with closing(AccessLog(tmp_path, "notes")) as access_log:
        access_log("DocumentReference/1", None)
        moved = (tmp_path / "notes.jsonl").rename(tmp_path / "old")
        access_log("DocumentReference/2", None)
    assert (broken_at(moved), broken_at(tmp_path / "notes.jsonl")) == (None, None)


def test_no_access_without_its_line(tmp_path: Path) -> None:
    with closing(AccessLog(tmp_path, "notes")) as access_log:
        (tmp_path / "notes.jsonl").unlink()
        (tmp_path / "notes.jsonl").mkdir()
        with pytest.raises(Unavailable):
            access_log("DocumentReference/1", None)
        (tmp_path / "notes.jsonl").rmdir()
        access_log("DocumentReference/1", None)
    assert broken_at(tmp_path / "notes.jsonl") is None


def test_a_folder_that_cannot_be_written_ends_the_start_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "access").write_text("a file where the folder should be")
    with pytest.raises(Misconfigured, match="CARELOOP_STATE_DIR"):
        AccessLog(tmp_path / "access", "notes")
