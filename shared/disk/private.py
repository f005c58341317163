"""Make folders and files that their owner alone may read.

What is there already keeps its rights: they are the operator's.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

FOLDER: Final = 0o700
FILE: Final = 0o600


def private_folder(path: Path) -> None:
    """Make the folder, and each missing one above it.

    Raises:
        OSError: it can't be made.
    """
    for missing in reversed([each for each in (path, *path.parents) if not each.exists()]):
        missing.mkdir(mode=FOLDER, exist_ok=True)
    # a file of that name is no folder
    path.mkdir(mode=FOLDER, exist_ok=True)


def private_file(path: Path) -> None:
    """Make an empty file where there is none.

    Whoever opens it tells why it can't be made.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE))
