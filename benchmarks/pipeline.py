"""Arm P's process: `run_service` as in production, the benchmark's service.

It is told `run` and `stop` by lines on its standard input, so that it is silent while another arm
is measured, and answers each with a line (to `run`, the port of its probes). It ends with its
standard input.
"""

import logging
import sys
import threading
from dataclasses import dataclass

from benchmarks.words import WORDS
from services.clinic.ports import free_port
from shared.settings import Settings, load_settings
from shared.web.process import run_service


@dataclass(frozen=True)
class Run:
    """The service at work on a thread."""

    stop: threading.Event
    thread: threading.Thread
    port: int

    def end(self) -> None:
        """Stop it and wait."""
        self.stop.set()
        self.thread.join()


def begun(settings: Settings) -> Run:
    """Start it. On a new port each time.

    The listener of the run before may not be closed yet.
    """
    stop, port = threading.Event(), free_port()
    thread = threading.Thread(
        target=run_service,
        args=(WORDS, settings.model_copy(update={"http_port": port}), stop),
        daemon=True,
    )
    thread.start()
    return Run(stop, thread, port)


def main() -> None:
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("kafka").setLevel(logging.ERROR)
    settings, run = load_settings(), None
    for line in sys.stdin:
        if line.strip() == "run":
            run = begun(settings)
            print(run.port, flush=True)
        elif run is not None:
            run.end()
            print("stopped", flush=True)


if __name__ == "__main__":
    main()
