"""The whole suite, in two halves side by side: `python -m tests.side_by_side`.

Many tests wait for processes that they started, so two halves take little more than half the time.
Each line says which half it is of. The status is that of the half that fared worse; its last lines
stand at the end once more.
"""

import subprocess
import sys
import threading
from collections import deque
from typing import Final

Ends = dict[str, "deque[str]"]
FIRST: Final = (
    "tests/unit",
    "tests/contract",
    "tests/integration/review",
    "tests/integration/worklist",
)
"""As measured, about as long as all the rest."""
HALVES: Final = {
    "units, contracts, pages": FIRST,
    "all the rest": tuple(f"--ignore={folder}" for folder in FIRST),
}
LAST: Final = 60
"""Lines that are told once more of a half that failed."""


def run(half: str, arguments: tuple[str, ...], statuses: dict[str, int], ends: Ends) -> None:
    """Run one half, tell what it says line by line, and note its status and its end."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    ends[half] = deque(maxlen=LAST)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(f"{half} | {line}", end="", flush=True)
            ends[half].append(line)
    statuses[half] = process.returncode


def main() -> int:
    """Run both halves; return the worse status."""
    statuses: dict[str, int] = {}
    ends: Ends = {}
    threads = [
        threading.Thread(target=run, args=(half, arguments, statuses, ends))
        for half, arguments in HALVES.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for half, status in statuses.items():
        if status:
            print(f"\nthe last lines of {half}:\n{''.join(ends[half])}")
    for half, status in statuses.items():
        print(f"{half}: {'passed' if status == 0 else f'failed with status {status}'}")
    return max(map(abs, statuses.values()))


if __name__ == "__main__":
    sys.exit(main())
