"""One EHR with the arms that work on it.

The script in this process, one pipeline per event log in processes of their own.
"""

import random
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from benchmarks.arms import (
    Block,
    Prepared,
    model_alone,
    pipeline_at_once,
    pipeline_paced,
    prepare,
    script,
    write_new,
)
from benchmarks.parts import START_SEC, fake_ehr, kafka, line_of, python_child, sekmet
from benchmarks.words import WORDS
from shared.ehr.client import Ehr, open_ehr
from shared.runtime.line import Line, at_ehr
from shared.settings import load_settings
from shared.stream.base import Sink
from shared.stream.open import open_log

PATIENTS = 64
WARM = 24
WARM_RATE = 40.0


@dataclass
class Pipeline:
    """Arm P on one event log: told to run only while it is measured."""

    process: subprocess.Popen[str]
    sink: Sink

    @contextmanager
    def running(self) -> Iterator[Sink]:
        """From ready to stopped; the sink that feeds it."""
        ready = f"http://127.0.0.1:{self._tell('run')}/readyz"
        deadline = time.monotonic() + START_SEC
        while not _is_ready(ready):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("the pipeline did not become ready")
            time.sleep(0.05)
        try:
            yield self.sink
        finally:
            self._tell("stop")

    def _tell(self, word: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return line_of(self.process)


@dataclass
class World:
    """An EHR, and every arm on it.

    Events are numbered, so that none is ever the same as an earlier one.
    """

    name: str
    ehr: Ehr
    line: Line
    pipelines: Mapping[str, Pipeline]
    rng: random.Random
    patients: list[str] = field(default_factory=list)
    numbered: int = 0

    def script(self, count: int, model_ms: int, writers: int = 1) -> Block:
        """Arm S, warmed up."""
        script(self.line, self._prepared(WARM // 3, 0), writers)
        return script(self.line, self._prepared(count, model_ms), writers)

    def at_once(self, log: str, count: int, model_ms: int) -> Block:
        """Arm P at saturation, warmed up."""
        prepared = self._prepared(count, model_ms)
        with self.pipelines[log].running() as sink:
            pipeline_at_once(self.ehr, sink, self._prepared(WARM, 0))
            return pipeline_at_once(self.ehr, sink, prepared)

    def paced(self, log: str, count: int, model_ms: int, per_sec: float) -> Block:
        """Arm P at a rate, warmed up."""
        prepared = self._prepared(count, model_ms)
        with self.pipelines[log].running() as sink:
            pipeline_paced(self.ehr, sink, self._prepared(WARM, 0), WARM_RATE, self.rng)
            return pipeline_paced(self.ehr, sink, prepared, per_sec, self.rng)

    @staticmethod
    def model_alone(count: int, model_ms: int) -> Block:
        """Arm M."""
        return model_alone(count, model_ms)

    def _prepared(self, count: int, model_ms: int) -> list[Prepared]:
        first, self.numbered = self.numbered, self.numbered + count
        return prepare(self.ehr, self.patients, first, count, model_ms)


@contextmanager
def world(name: str, logs: Sequence[str], seed: int) -> Iterator[World]:
    """Everything on one EHR, started now and gone afterwards.

    Args:
        name: `fake` or `sekmet`.
        logs: `sqlite`, `kafka`; every EHR has logs, and a broker, of its own, since there is one
            topic per broker.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="careloop-bench-")))
        base = stack.enter_context(fake_ehr() if name == "fake" else sekmet(folder / "sekmet"))
        settings = load_settings(fhir_url=base, state_dir=folder)
        ehr = stack.enter_context(open_ehr(settings))
        addresses = {
            log: stack.enter_context(kafka(folder / "broker")) if log == "kafka" else None
            for log in logs
        }
        pipelines = {
            log: stack.enter_context(pipeline(base, folder / log, address))
            for log, address in addresses.items()
        }
        line = Line(WORDS, ehr, None, settings, at_ehr(ehr))
        order = random.Random(seed)  # noqa: S311  # an order, not a secret
        made = World(name, ehr, line, pipelines, order)
        made.patients = write_new(ehr, [{"resourceType": "Patient"}] * PATIENTS)
        yield made


@contextmanager
def pipeline(base: str, state: Path, kafka: str | None) -> Iterator[Pipeline]:
    """The process of arm P, and a sink on its event log."""
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
        "benchmarks.pipeline", {f"CARELOOP_{k}": v for k, v in environment.items()}
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
