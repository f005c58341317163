"""One run: everything is started, loaded, killed, started again, waited for and reckoned."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from services import catalogue
from services.clinic.children import revive
from shared.errors import CareloopError
from shared.instants import now
from tests.broker import Broker
from tests.e2e.clinic import Clinic
from tests.hapi.server import Hapi
from tests.kills.inputs import inputs
from tests.kills.loader import Loader
from tests.kills.plan import Kill, Plan, plan
from tests.kills.reckoning import Reckoning
from tests.kills.standing import Standing, changes
from tests.peers import FakeHapi, Sekmet, ServedEhr

SERVICES: Final = ("intake", *catalogue.analyser_names())
READY_SEC: Final = 600.0
SETTLE_SEC: Final = 1800.0
QUIET_SEC: Final = 60.0
TELL_SEC: Final = 10.0
Tell = Callable[[str], None]


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
        at_work: how many of the killed services said that they were ready.
        died: services that ended although nobody killed them.
        unsettled: what was still missing when patience ended.
        settled_sec: from the end of the load until all was settled.
        changes: versions written within `QUIET_SEC` after that.
    """

    asked: Asked
    kills: int
    at_work: int
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
        killing = Killing(clinic, loader, tell)
        killing.carry_out(drawn)
        load_sec = killing.elapsed()
        unsettled = killing.settle(standing)
        settled_sec, since = killing.elapsed() - load_sec, now()
        tell(f"settled after {settled_sec:.0f} s; nothing may change for {QUIET_SEC:.0f} s")
        killing.watch(QUIET_SEC)
        late = changes(clinic.ehr, since)
        tell("reckoning")
        return Result(
            asked, killing.kills, killing.at_work, killing.died, unsettled, load_sec, settled_sec,
            standing.reckoning(), standing.letters(), late,
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


class Killing:
    """The main thread's part: it kills, starts again, and waits.

    Children end with the thread that started them, so no other thread may start one.
    """

    def __init__(self, clinic: Clinic, loader: Loader, tell: Tell) -> None:
        self.kills = self.at_work = 0
        self.died: list[str] = []
        self._clinic, self._loader, self._tell = clinic, loader, tell
        self._away: dict[str, float] = {}  # victim -> when it is started again
        self._began = self._told = 0.0

    def elapsed(self) -> float:
        """Seconds since the load began."""
        return time.monotonic() - self._began

    def carry_out(self, drawn: Plan) -> None:
        """Load and kill until both are done and everything is started again."""
        self._began = time.monotonic()
        self._loader.start()
        kills = list(drawn.kills)
        while kills or self._away or self._loader.is_alive():
            if kills and kills[0].at_sec <= self.elapsed():
                self._kill(kills.pop(0))
            self._turn("")
        if self._loader.error:
            raise self._loader.error

    def settle(self, standing: Standing) -> list[str]:
        """Wait until nothing is missing; what is missing when patience ends."""
        deadline = time.monotonic() + SETTLE_SEC
        missing = ["nobody has looked yet"]
        self._tell("all is loaded; waiting until all is settled")
        while missing and time.monotonic() < deadline:
            try:
                missing = standing.missing()
            except CareloopError as error:
                missing = [str(error)]
            self._turn(f"; missing: {len(missing)}, first {missing[0]}" if missing else "")
            time.sleep(2.0 if missing else 0.0)
        return missing

    def watch(self, seconds: float) -> None:
        """Look on, and start again what dies by itself."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._turn("; quiet")

    def _turn(self, more: str) -> None:
        for victim in [v for v, at in self._away.items() if at <= time.monotonic()]:
            del self._away[victim]
            self._start(victim)
        present = [c for name, c in self._clinic.children.items() if name in SERVICES]
        died = revive([c for c in present if c.name not in self._away])
        self.died += died
        if died:
            self._tell(f"ended by itself, started again: {', '.join(died)}")
        if self.elapsed() >= self._told + TELL_SEC:
            self._told = self.elapsed()
            self._tell(f"{self._loader.done} inputs, {self.kills} kills{more}")
        time.sleep(0.1)

    def _kill(self, kill: Kill) -> None:
        if kill.victim in self._away:  # not yet back from the kill before
            del self._away[kill.victim]
            self._start(kill.victim)
        if kill.victim == "broker":
            assert self._clinic.broker
            self._clinic.broker.kill()
        elif kill.victim == "ehr":
            self._clinic.server.kill()
        else:
            self.at_work += self._clinic.ready(kill.victim)
            self._clinic.kill(kill.victim)
        self.kills += 1
        self._tell(f"SIGKILL {kill.victim}, back in {kill.away_sec:.1f} s")
        self._away[kill.victim] = time.monotonic() + kill.away_sec

    def _start(self, victim: str) -> None:
        if victim == "broker":
            assert self._clinic.broker
            self._clinic.broker.start()
        elif victim == "ehr":
            self._clinic.server.start()
        else:
            self._clinic.start(victim)
