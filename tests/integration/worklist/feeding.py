"""A process that feeds an index until it gets SIGKILL: `python -m ... URL FILE SEED`.

It forks for each `start` on its standard input, so that a new feed is there within milliseconds,
and kills it at `kill`. Each is answered with a line: the second says whether the feed was alive.
"""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Final, Self

from services.review.worklist.feed import Feed
from services.review.worklist.index import Index
from services.review.worklist.sweeps import building, cursor
from shared.ehr.client import Ehr
from shared.ehr.guard.abilities import Abilities
from shared.ehr.opening import open_ehr
from shared.errors import CareloopError
from shared.settings import load_settings

ROOT: Final = Path(__file__).parents[3]
BEHIND: Final = timedelta(seconds=2)
"""So short that cursors count in a test of some seconds."""


def opened(base: str, *, batches: bool = True) -> Ehr:
    """The EHR, as the review process opens it."""
    return open_ehr(load_settings(fhir_url=base)).able(Abilities(batches=batches))


def hurry() -> None:
    """Look back no further than a test lasts."""
    cursor.OVERLAP = cursor.SKEW = building.SKEW = BEHIND  # type: ignore[misc]


class Feeding:
    """The process. Use it as a context manager."""

    def __init__(self, base: str, file: Path, seed: int) -> None:
        command = [sys.executable, "-m", __name__, base, str(file), str(seed)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def start(self) -> None:
        """Begin to feed."""
        assert self._said("start") == "started"

    def kill(self) -> None:
        """SIGKILL; AssertionError when it had ended by itself."""
        assert self._said("kill") == "killed", "the feed ended by itself"

    def _said(self, line: str) -> str:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


def feed(base: str, file: Path, rng: random.Random) -> None:
    """Sweep at random moments, rebuild now and then."""
    hurry()
    feeding = Feed(opened(base), Index(file))
    while True:
        try:
            if rng.random() < 0.1:
                feeding.rebuild()
            feeding.sweep()
        except CareloopError as error:
            print(error, file=sys.stderr)
        time.sleep(rng.uniform(0, 0.3))


def main() -> None:
    """Fork and kill as told; all ends with the standard input."""
    base, file, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    rng, pid = random.Random(seed), 0
    for line in sys.stdin:
        if line.strip() == "start":
            drawn = random.Random(rng.random())
            pid = os.fork()
            if not pid:
                feed(base, file, drawn)
            print("started", flush=True)
        else:
            ended, _ = os.waitpid(pid, os.WNOHANG)
            if not ended:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            print("died" if ended else "killed", flush=True)


if __name__ == "__main__":
    main()
