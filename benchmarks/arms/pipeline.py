"""Arm P: the whole pipeline in its own process, fed through the event log."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.arms.prepared import Prepared
from benchmarks.arms.results import LONGEST_SEC, LOOK_SEC
from benchmarks.arms.script import Paces, due
from benchmarks.parts import ROOT, START_SEC, line_of, python_child
from benchmarks.words import WORDS
from shared.settings import load_settings
from shared.stream.base import EVENTS_TOPIC, Sink
from shared.stream.open import open_log

REQUESTS: Final = "careloop_ehr_requests_total"
SETTLED: Final = "careloop_events_total"


@dataclass
class Pipeline:
    """Arm P on one event log: told to run only while it is measured."""

    process: subprocess.Popen[str]
    sink: Sink
    base: str = ""

    @contextmanager
    def running(self) -> Iterator[Sink]:
        """From ready to stopped; the sink that feeds it."""
        self.base = f"http://127.0.0.1:{self._tell('run')}"
        deadline = time.monotonic() + START_SEC
        while not _is_ready(f"{self.base}/readyz"):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("the pipeline did not become ready")
            time.sleep(0.05)
        try:
            yield self.sink
        finally:
            self._tell("stop")

    def counted(self, name: str) -> int:
        """Return the sum of a counter of its metrics, since it was told to run."""
        text = httpx.get(f"{self.base}/metrics", trust_env=False, timeout=30.0).text
        samples = [s for f in text_string_to_metric_families(text) for s in f.samples]
        return int(sum(sample.value for sample in samples if sample.name == name))

    def finish(self, count: int) -> None:
        """Wait until it has settled so many events since it was told to run.

        It is asked itself: questions to the EHR would count as its own.

        Raises:
            RuntimeError: it has not after `LONGEST_SEC`.
        """
        deadline = time.monotonic() + LONGEST_SEC
        while (settled := self.counted(SETTLED)) < count:
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"{count - settled} events are not settled after {LONGEST_SEC:.0f} s"
                )
            time.sleep(LOOK_SEC)

    def _tell(self, word: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return line_of(self.process)


def at_once(sink: Sink, prepared: Sequence[Prepared]) -> float:
    """Append all events at once; return when that began."""
    started = time.time()
    sink.send(EVENTS_TOPIC, [p.message for p in prepared], timeout_sec=30.0)
    return started


def paced(
    sink: Sink, prepared: Sequence[Prepared], paces: Paces
) -> tuple[list[float], list[float]]:
    """Append events at a pace; return when each was due, and how long its append took."""
    moments, appends = [], []
    for moment, each in due(prepared, paces):
        began = time.perf_counter()
        sink.send(EVENTS_TOPIC, [each.message])
        appends.append(time.perf_counter() - began)
        moments.append(moment)
    return moments, appends


@contextmanager
def pipeline(base: str, state: Path, kafka: str | None, root: Path = ROOT) -> Iterator[Pipeline]:
    """Start the process of arm P, and a sink on its event log.

    Args:
        root: the checkout whose code it runs.
    """
    settings = load_settings(fhir_url=base, state_dir=state, kafka_bootstrap_servers=kafka)
    log = open_log(settings)
    log.create_topics(settings.partitions, [WORDS.name])
    environment = {
        "FHIR_URL": base,
        "STATE_DIR": str(state),
        "KAFKA_BOOTSTRAP_SERVERS": kafka or "",
    }
    sink = log.sink()
    with python_child(
        "benchmarks.pipeline", {f"CARELOOP_{k}": v for k, v in environment.items()}, root
    ) as process:
        try:
            yield Pipeline(process, sink)
        finally:
            sink.close()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
