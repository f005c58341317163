"""The pipeline of another commit: from its own files, with the same work to do."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.arms.before import checkout, require_same_service
from benchmarks.parts import ROOT, python_child


def git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def in_a_repository() -> bool:
    return (ROOT / ".git").exists()


@pytest.mark.timeout(60)
def test_a_commit_is_checked_out_into_build_and_gone_afterwards() -> None:
    if not in_a_repository():
        with pytest.raises(RuntimeError, match="no commit"), checkout("HEAD"):
            raise AssertionError("a checkout without a repository")
        return
    with checkout("HEAD") as root:
        assert root.parent == ROOT / "build" and (root / "benchmarks" / "words.py").is_file()
        assert str(root) in git("worktree", "list")
    assert not root.exists() and str(root) not in git("worktree", "list")


def test_a_commit_that_is_not_there_is_refused() -> None:
    with pytest.raises(RuntimeError, match="no commit 0000000"), checkout("0000000"):
        raise AssertionError("a checkout of nothing")


def test_a_benchmark_that_does_other_work_is_no_comparison(tmp_path: Path) -> None:
    require_same_service(ROOT)
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").touch()
    for words in ("", "print('another service')", "raise SystemExit(1)"):
        (tmp_path / "benchmarks" / "words.py").write_text(words)
        with pytest.raises(RuntimeError, match="another service"):
            require_same_service(tmp_path)


def test_a_child_runs_the_code_of_its_checkout(tmp_path: Path) -> None:
    (tmp_path / "spoken.py").write_text("print('from the other checkout', flush=True)")
    with python_child("spoken", root=tmp_path) as process:
        assert process.stdout and process.stdout.readline() == "from the other checkout\n"
