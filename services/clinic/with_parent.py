"""Become a command that ends with its parent.

`python -m services.clinic.with_parent PARENT COMMAND...` becomes the command, and gets SIGTERM from
the kernel when the parent ends (Linux).

The kernel means the parent's *thread* that started it: start children from the main thread.
Elsewhere than on Linux a parent that is killed leaves its children behind.
"""

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # prctl(2); it survives execve


def main() -> None:
    """Replace this process by the command.

    End at once if the parent has ended already.
    """
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  # the command line of our own parent


if __name__ == "__main__":
    main()
