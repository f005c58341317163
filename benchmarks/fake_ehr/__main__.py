"""A FakeEhr in a process of its own.

`python -m benchmarks.fake_ehr PORT [sekmet|hapi]`, until it is ended. Its state is in memory.
"""

import sys
import threading

from benchmarks.fake_ehr import HAPI, SEKMET, FakeEhr

HABITS = {habits.name: habits for habits in (SEKMET, HAPI)}


def main() -> None:
    """Serve until SIGTERM."""
    port, name = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else SEKMET.name
    with FakeEhr(HABITS[name], port):
        threading.Event().wait()


if __name__ == "__main__":
    main()
