"""The whole suite, in two halves side by side: `python -m tests.side_by_side`.

Many tests wait for processes that they started, so two halves take little more than half the time.
Each line says which half it is of. The status is that of the half that fared worse.
"""

import subprocess
import sys
import threading
from typing import Final

FIRST: Final = ("tests/unit", "tests/contract", "tests/integration/review")
"""As measured, about as long as all the rest."""
HALVES: Final = {
    "units, contracts, pages": FIRST,
    "all the rest": tuple(f"--ignore={folder}" for folder in FIRST),
}


def run(half: str, arguments: tuple[str, ...], statuses: dict[str, int]) -> None:
    """Run one half, tell what it says line by line, and note its status."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(f"{half} | {line}", end="", flush=True)
    statuses[half] = process.returncode


def main() -> int:
    """Run both halves; return the worse status."""
    statuses: dict[str, int] = {}
    threads = [
        threading.Thread(target=run, args=(half, arguments, statuses))
        for half, arguments in HALVES.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for half, status in statuses.items():
        print(f"{half}: {'passed' if status == 0 else f'failed with status {status}'}")
    return max(map(abs, statuses.values()))


if __name__ == "__main__":
    sys.exit(main())
