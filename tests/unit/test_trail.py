"""The access log: whole after restarts, and every tampering shows."""

from pathlib import Path

import pytest

from shared.errors import Unavailable
from shared.trail import Trail, broken_at


def written(path: Path) -> list[bytes]:
    for _ in range(2):  # a restart in between
        trail = Trail(path, "notes")
        for number in range(3):
            trail(f"DocumentReference/{number}", "Patient/1")
    return path.read_bytes().splitlines(keepends=True)


def test_whole_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "access" / "notes.jsonl"
    assert len(written(path)) == 6 and broken_at(path) is None


@pytest.mark.parametrize("line", range(5))
def test_a_changed_or_missing_line_shows(tmp_path: Path, line: int) -> None:
    path = tmp_path / "notes.jsonl"
    lines = written(path)
    path.write_bytes(b"".join([*lines[:line], lines[line].replace(b"Patient/1", b"Patient/2"), *lines[line + 1 :]]))
    assert broken_at(path) == line + 2
    path.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    assert broken_at(path) == line + 1


def test_no_access_without_its_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    trail = Trail(path, "notes")
    path.mkdir()
    with pytest.raises(Unavailable):
        trail("DocumentReference/1", None)
