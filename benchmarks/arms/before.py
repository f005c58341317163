"""Another commit's pipeline: its checkout in build/, proven to do the same work."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.parts import ROOT

CONTRACT: Final = """
from benchmarks.words import CARD, WORDS, note
from shared.answers import digest
print(WORDS.name, sorted(WORDS.triggers), sorted(WORDS.writes), CARD.name, CARD.version,
      [digest(str(note("Patient/1", 7, ms))) for ms in (0, 20)])
"""
"""What the two must have in common: the service, its model, and its input."""


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """Check the commit out into build/; removed afterwards.

    Raises:
        RuntimeError: there is no such commit, or its benchmark runs another service.
    """
    sha = _git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").strip()
    if not sha:
        raise RuntimeError(f"no commit {commit} here")
    # of an earlier run that was killed, or of one at the same time: each has its own
    root = ROOT / "build" / f"before-{sha[:12]}-{os.getpid()}"
    _git("worktree", "prune")
    _git("worktree", "add", "--detach", "--force", str(root), sha)
    try:
        require_same_service(root)
        yield root
    finally:
        _git("worktree", "remove", "--force", str(root))
        shutil.rmtree(root, ignore_errors=True)


def require_same_service(root: Path) -> None:
    """Raise RuntimeError if the checkout's benchmark runs another service than ours."""
    ours, others = _contract(ROOT), _contract(root)
    if not others or ours != others:
        raise RuntimeError(f"{root.name}: its benchmarks.words is another service than ours")


def _contract(root: Path) -> str:
    return subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", CONTRACT],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def _git(*arguments: str) -> str:
    return subprocess.run(  # noqa: S603  # our own arguments
        ["git", *arguments],  # noqa: S607  # the one of the path
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
