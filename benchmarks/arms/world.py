"""One EHR and the arms at work on it.

The script in this process, one pipeline per event log in processes of their own. An event is
finished when the EHR says so, in all arms alike; in P its time begins when it was due to be
appended.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psutil

from benchmarks.arms import pipeline, script
from benchmarks.arms.blocks import Block
from benchmarks.arms.meters import Meter, Sent
from benchmarks.arms.pipeline import REQUESTS, Pipeline
from benchmarks.arms.prepared import Prepared, prepare, write_new
from benchmarks.arms.results import results
from benchmarks.parts import Served, fake_ehr, hapi, kafka, sekmet
from benchmarks.words import WORDS
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.ehr.proof import prove
from shared.runtime.line import Line, at_ehr
from shared.settings import load_settings

PATIENTS: Final = 64
WARM: Final = 24
WARM_RATE: Final = 40.0


@dataclass
class World:
    """An EHR, and every arm on it.

    Events are numbered, so that none is ever the same as an earlier one.

    Attributes:
        name: `fake`, `sekmet` or `hapi`.
        watch: the client that prepares and looks; what it asks counts for no arm.
        line: the script's.
        pipelines: by event log.
        before: the pipelines of the commit to compare with, by event log.
    """

    name: str
    ehr: Served
    watch: Ehr
    watched: Sent
    line: Line
    sent: Sent
    pipelines: Mapping[str, Pipeline]
    before: Mapping[str, Pipeline]
    rng: random.Random
    patients: list[str] = field(default_factory=list)
    numbered: int = 0

    def script(self, count: int, model_ms: int, writers: int = 1) -> Block:
        """Run arm S, warmed up."""
        script.at_once(self.line, self.prepared(WARM // 3, 0), writers)
        prepared = self.prepared(count, model_ms)
        meter = self.meter_of_script()
        before = meter.read()
        begun = script.at_once(self.line, prepared, writers)
        cost = meter.cost_since(before)
        finished = results(self.watch, prepared)
        return Block(max(finished) - min(begun), _between(begun, finished), cost=cost)

    def script_paced(self, count: int, model_ms: int, per_sec: float) -> Block:
        """Run arm S at a rate, warmed up."""
        script.at_once(self.line, self.prepared(WARM // 3, 0))
        prepared = self.prepared(count, model_ms)
        meter = self.meter_of_script()
        before = meter.read()
        moments = script.paced(self.line, prepared, self.paces(count, per_sec))
        cost = meter.cost_since(before)
        finished = results(self.watch, prepared)
        return Block(max(finished) - moments[0], _between(moments, finished), cost=cost)

    def at_once(self, arm: Pipeline, count: int, model_ms: int) -> Block:
        """Run arm P at saturation, warmed up."""
        prepared, warm = self.prepared(count, model_ms), self.prepared(WARM, 0)
        with arm.running() as sink:
            pipeline.at_once(sink, warm)
            arm.finish(WARM)
            meter = self.meter_of(arm)
            before = meter.read()
            started = pipeline.at_once(sink, prepared)
            arm.finish(WARM + count)
            cost = meter.cost_since(before)
        finished = results(self.watch, prepared)
        return Block(max(finished) - started, [end - started for end in finished], cost=cost)

    def paced(self, arm: Pipeline, count: int, model_ms: int, per_sec: float) -> Block:
        """Run arm P at a rate, warmed up."""
        prepared, warm = self.prepared(count, model_ms), self.prepared(WARM, 0)
        with arm.running() as sink:
            pipeline.paced(sink, warm, self.paces(WARM, min(WARM_RATE, 2 * per_sec)))
            arm.finish(WARM)
            meter = self.meter_of(arm)
            before = meter.read()
            moments, appends = pipeline.paced(sink, prepared, self.paces(count, per_sec))
            arm.finish(WARM + count)
            cost = meter.cost_since(before)
        finished = results(self.watch, prepared)
        return Block(max(finished) - moments[0], _between(moments, finished), appends, cost)

    @staticmethod
    def model_alone(count: int, model_ms: int) -> Block:
        """Run arm M."""
        took = script.model_alone(count, model_ms)
        return Block(sum(took), took)

    def paces(self, count: int, per_sec: float) -> list[float]:
        """Draw the times between events: 1/rate, give or take half of it."""
        return [self.rng.uniform(0.5, 1.5) / per_sec for _ in range(count)]

    def prepared(self, count: int, model_ms: int) -> list[Prepared]:
        """Write notes new to every arm."""
        first, self.numbered = self.numbered, self.numbered + count
        return prepare(self.watch, self.patients, first, count, model_ms)

    def meter_of_script(self) -> Meter:
        """Return the meters of arm S: it works in this process."""
        return Meter(self._at_fake() or (lambda: self.sent.count), self.ehr.process, _me())

    def meter_of(self, arm: Pipeline) -> Meter:
        """Return the meters of a pipeline."""
        requests = self._at_fake() or (lambda: arm.counted(REQUESTS))
        return Meter(requests, self.ehr.process, psutil.Process(arm.process.pid))

    def _at_fake(self) -> Callable[[], int] | None:
        """Return the EHR's own count, less those of the watching client; None without one."""
        asked = self.ehr.requests
        return (lambda: asked() - self.watched.count) if asked else None


def _me() -> psutil.Process:
    return psutil.Process()


def _between(begun: Sequence[float], finished: Sequence[float]) -> list[float]:
    return [end - start for start, end in zip(begun, finished, strict=True)]


def _ehr(name: str, folder: Path) -> AbstractContextManager[Served]:
    if name == "fake":
        return fake_ehr()
    return sekmet(folder / "sekmet") if name == "sekmet" else hapi(folder / "hapi")


@contextmanager
def world(name: str, logs: Sequence[str], seed: int, before: Path | None = None) -> Iterator[World]:
    """Start everything on one EHR; it is gone afterwards.

    Args:
        name: `fake`, `sekmet` or `hapi`.
        logs: `sqlite`, `kafka`; every pipeline has logs, and a broker, of its own, since there is
            one topic per broker.
        before: the checkout of the commit to compare with.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="careloop-bench-")))
        served = stack.enter_context(_ehr(name, folder))
        settings = load_settings(fhir_url=served.base, state_dir=folder)
        watched, sent = Sent(), Sent()
        watch = stack.enter_context(open_ehr(settings, sent=watched))
        ehr = stack.enter_context(open_ehr(settings, sent=sent))
        ehr = ehr.able(prove(ehr))  # as a service does at its start

        def pipelines(place: str, **root: Path) -> dict[str, Pipeline]:
            made = {}
            for log in logs:
                state = folder / f"{place}-{log}"
                address = stack.enter_context(kafka(state / "broker")) if log == "kafka" else None
                made[log] = stack.enter_context(
                    pipeline.pipeline(served.base, state, address, **root)
                )
            return made

        line = Line(WORDS, ehr, None, settings, at_ehr(ehr))
        order = random.Random(seed)  # noqa: S311  # an order, not a secret
        olds = pipelines("before", root=before) if before else {}
        now = pipelines("now")
        made = World(name, served, watch, watched, line, sent, now, olds, order)
        made.patients = write_new(watch, [{"resourceType": "Patient"}] * PATIENTS)
        yield made
