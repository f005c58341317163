"""The data sets of train and evaluate commands.

They are not part of careloop, so they may be elsewhere or missing.
"""

import sys
from pathlib import Path
from typing import Final, NoReturn

WRONG: Final = 2
"""The exit status for what the caller must correct first."""


def require(data: Path, *parts: str) -> None:
    """Refuse a missing folder, or one without these files or folders.

    It is asked before anything slow begins.
    """
    if not data.is_dir():
        refuse(data, "is not there")
    missing = [part for part in parts if not (data / part).exists()]
    if missing:
        refuse(data, f"holds no {', '.join(missing)}")


def refuse(data: Path, why: str) -> NoReturn:
    """End the command with one line about the folder, and exit status 2."""
    sys.stderr.write(f"the data folder {data.resolve()} {why}: name another with --data\n")
    raise SystemExit(WRONG)
