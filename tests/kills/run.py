"""One run: everything is started, loaded, killed, started again, waited for and reckoned."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from services import catalogue
from services.clinic.children import revive
from shared.instants import now
from tests.broker import Broker
from tests.e2e.clinic import Clinic
from tests.hapi.server import Hapi
from tests.kills.inputs import inputs
from tests.kills.killing import READY_SEC, Killing, Tell
from tests.kills.loader import Loader
from tests.kills.plan import plan
from tests.kills.reckoning import Reckoning
from tests.kills.standing import Standing, changes
from tests.peers import FakeHapi, Sekmet, ServedEhr

SERVICES: Final = ("intake", *catalogue.analyser_names())
QUIET_SEC: Final = 60.0


@dataclass(frozen=True)
class Asked:
    """What a run is asked for; see `python -m tests.kills --help`."""

    seed: int
    inputs: int
    kills: int
    ehr: str
    log: str
    kill_broker: bool = False
    kill_ehr: bool = False


@dataclass(frozen=True)
class Result:
    """What came of it.

    Attributes:
        kills: SIGKILLs; each service was up and ready.
        at_work: how many of the killed services had an event in work, by their own count.
        missed: SIGKILLs that found no such service.
        died: services that ended although nobody killed them.
        unsettled: what was still missing when patience ended.
        settled_sec: from the end of the load until all was settled.
        changes: versions written within `QUIET_SEC` after that.
    """

    asked: Asked
    kills: int
    at_work: int
    missed: list[str]
    died: list[str]
    unsettled: list[str]
    load_sec: float
    settled_sec: float
    reckoning: Reckoning
    letters: list[str]
    changes: list[str]

    @property
    def faults(self) -> list[str]:
        """All that must not be."""
        return [
            *(f"SIGKILL missed: {what}" for what in self.missed),
            *(f"not settled: {what}" for what in self.unsettled),
            *self.reckoning.faults,
            *(f"changed after settling: {what}" for what in self.changes),
        ]


def run(asked: Asked, folder: Path, tell: Tell) -> Result:
    """Run it in this folder, which keeps logs and data."""
    others = ["broker"] * asked.kill_broker + ["ehr"] * asked.kill_ehr
    drawn = plan(asked.seed, asked.inputs, asked.kills, SERVICES, others)
    files = list(inputs(folder / "inputs", asked.inputs, asked.seed, uuid4().hex[:8]))
    tell(f"{len(files)} inputs in {drawn.load_sec:.0f} s, {len(drawn.kills)} SIGKILLs; {folder}")
    with clinic_of(asked, folder, tell) as clinic:
        loader = Loader(clinic.ehr, clinic.settings, files, drawn.loads)
        standing = Standing(clinic, loader.loaded, loader.owed)
        killing = Killing(clinic, loader, tell, SERVICES)
        killing.carry_out(drawn)
        load_sec = killing.elapsed()
        unsettled = killing.settle(standing)
        settled_sec, since = killing.elapsed() - load_sec, now()
        tell(f"settled after {settled_sec:.0f} s; nothing may change for {QUIET_SEC:.0f} s")
        killing.watch(QUIET_SEC)
        late = changes(clinic.ehr, since)
        tell("reckoning")
        return Result(
            asked, killing.kills, killing.at_work, killing.missed, killing.died, unsettled,
            load_sec, settled_sec, standing.reckoning(), standing.letters(), late,
        )  # fmt: skip


@contextmanager
def clinic_of(asked: Asked, folder: Path, tell: Tell) -> Iterator[Clinic]:
    """Everything running and ready."""
    with ExitStack() as closing:
        server = ehr_of(asked.ehr, folder / "ehr")
        tell(f"starting {asked.ehr}")
        server.start()
        closing.callback(server.stop)
        broker = None
        if asked.log == "kafka":
            tell("starting Apache Kafka")
            broker = Broker(folder / "kafka")
            closing.callback(broker.kill)
            broker.start()
        tell(f"starting {', '.join(SERVICES)}")
        clinic = Clinic(folder, server, broker)
        closing.callback(clinic.ehr.close)
        closing.callback(clinic.stop, *SERVICES)
        clinic.start(*SERVICES)
        deadline = time.monotonic() + READY_SEC
        while waiting := [name for name in SERVICES if not clinic.ready(name)]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"not ready after {READY_SEC:.0f} s: {', '.join(waiting)}")
            if died := revive([clinic.children[name] for name in SERVICES]):
                tell(f"ended by itself, started again: {', '.join(died)}")
            time.sleep(0.5)
        yield clinic


def ehr_of(name: str, folder: Path) -> ServedEhr:
    """An EHR that is not yet started; all but the fake keep their state over a SIGKILL."""
    folder.mkdir(parents=True)
    if name == "hapi":
        return Hapi(folder, durable=True)
    return Sekmet(folder) if name == "sekmet" else FakeHapi(folder)
