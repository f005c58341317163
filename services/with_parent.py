"""`python -m services.with_parent COMMAND...`: become the command, and get SIGTERM from the kernel when the parent ends (Linux)."""

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # prctl(2); it survives execve


def main() -> None:
    """Replace this process by the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606  # the command line of our own parent


if __name__ == "__main__":
    main()
