"""The data sets that train and evaluate commands read: not part of careloop, so they may be
elsewhere or not there at all.
"""

import sys
from pathlib import Path
from typing import Final, NoReturn

WRONG: Final = 2  # the exit status for what the caller must mend first


def require(data: Path, *parts: str) -> None:
    """Refuse a folder that is not there or lacks one of these files or folders; before anything
    slow is begun.
    """
    if not data.is_dir():
        refuse(data, "is not there")
    missing = [part for part in parts if not (data / part).exists()]
    if missing:
        refuse(data, f"holds no {', '.join(missing)}")


def refuse(data: Path, why: str) -> NoReturn:
    """End the command with one line, which says why the folder won't do, and exit status 2."""
    sys.stderr.write(f"the data folder {data.resolve()} {why}: name another with --data\n")
    raise SystemExit(WRONG)
