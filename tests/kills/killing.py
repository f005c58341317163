"""The killing of a run: each SIGKILL meets a service that is up and ready."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from services.clinic.children import revive
from shared.errors import CareloopError
from tests.e2e.clinic import Clinic
from tests.kills.loader import Loader
from tests.kills.plan import Kill, Plan
from tests.kills.standing import Standing

READY_SEC: Final = 600.0
SETTLE_SEC: Final = 1800.0
TELL_SEC: Final = 10.0
Tell = Callable[[str], None]


class Killing:
    """The main thread's part: it kills, starts again, and waits.

    Children end with the thread that started them, so no other thread may start one.
    """

    def __init__(self, clinic: Clinic, loader: Loader, tell: Tell, services: Sequence[str]) -> None:
        self.kills = self.at_work = 0
        self.missed: list[str] = []
        self.died: list[str] = []
        self._clinic, self._loader, self._tell, self._services = clinic, loader, tell, services
        self._away: dict[str, float] = {}  # victim -> when it is started again
        self._began = self._said_at = 0.0

    def elapsed(self) -> float:
        """Seconds since the load began."""
        return time.monotonic() - self._began

    def carry_out(self, drawn: Plan) -> None:
        """Load and kill until both are done and everything is started again.

        A kill whose victim is not up and ready is put off until it is, and those after it wait: the
        order is the plan's.
        """
        self._began = time.monotonic()
        self._loader.start()
        kills = list(drawn.kills)
        while kills or self._away or self._loader.is_alive():
            if kills and kills[0].at_sec <= self.elapsed():
                kills = kills[1:] if self._is_done(kills[0]) else kills
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
        present = [c for name, c in self._clinic.children.items() if name in self._services]
        died = revive([c for c in present if c.name not in self._away])
        self.died += died
        if died:
            self._tell(f"ended by itself, started again: {', '.join(died)}")
        if self.elapsed() >= self._said_at + TELL_SEC:
            self._said_at = self.elapsed()
            self._tell(f"{self._loader.done} inputs, {self.kills} kills{more}")
        time.sleep(0.1)

    def _is_done(self, kill: Kill) -> bool:
        """Kill the victim if it is up and ready; tell whether no more is to be done."""
        if self._is_ready(kill.victim):
            self._kill(kill)
            return True
        if self.elapsed() < kill.at_sec + READY_SEC:
            return False
        self.missed.append(f"{kill.victim} was not ready within {READY_SEC:.0f} s")
        return True

    def _is_ready(self, victim: str) -> bool:
        if victim in self._away:
            return False
        return victim not in self._services or self._clinic.ready(victim)

    def _kill(self, kill: Kill) -> None:
        if kill.victim == "broker":
            assert self._clinic.broker
            self._clinic.broker.kill()
        elif kill.victim == "ehr":
            self._clinic.server.kill()
        else:
            self._kill_service(kill.victim)
        self.kills += 1
        self._tell(f"SIGKILL {kill.victim}, back in {kill.away_sec:.1f} s")
        self._away[kill.victim] = time.monotonic() + kill.away_sec

    def _kill_service(self, name: str) -> None:
        self.at_work += self._clinic.in_work(name) > 0
        if not self._clinic.children[name].alive:
            self.missed.append(f"{name} had ended by itself")
        self._clinic.kill(name)

    def _start(self, victim: str) -> None:
        if victim == "broker":
            assert self._clinic.broker
            self._clinic.broker.start()
        elif victim == "ehr":
            self._clinic.server.start()
        else:
            self._clinic.start(victim)
