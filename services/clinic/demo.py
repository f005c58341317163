"""`careloop demo`: the whole loop on this machine, for one patient.

An EHR, the event log and every service.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

import httpx

from services import catalogue
from services.clinic.children import Child, revive, service_child, stop
from services.clinic.embedded_ehr import sekmet_command
from services.clinic.ports import keep_ports
from services.clinic.screen import USER, Screen
from services.clinic.settled import Clinic, Outcome, as_json, swept_at
from services.clinic.state import hold, patient_files, secret
from services.load.create import Loaded
from services.load.patient import load_patient
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.errors import CareloopError, Misconfigured, Unavailable
from shared.fhir import codes
from shared.references import is_a
from shared.settings import Settings, load_settings
from shared.stream.base import Log
from shared.stream.open import open_log

FIRST_PORT: Final = 8410
GIVE_UP_SEC: Final = 300.0
START_SEC: Final = 60.0
RESULTS: Final = ("requested", "completed")


class Stopped(Exception):
    """Ctrl-C or SIGTERM: leave in order."""


class Demo:
    """One run of the demo.

    Args:
        state: the folder that keeps everything, found again at the next start.
        once: exit when all is settled.
        as_json: then print one JSON object on stdout; people's output goes to stderr.
        give_up_sec: how long to wait for everything to settle before saying what is missing.
    """

    def __init__(
        self, state: Path, *, once: bool, as_json: bool, give_up_sec: float = GIVE_UP_SEC
    ) -> None:
        self._state, self._give_up_sec = state, give_up_sec
        self._once, self._as_json = once, as_json
        self._screen = Screen(on_stderr=as_json)
        self._children: list[Child] = []
        self._stop = threading.Event()
        self._closing = ExitStack()

    def run(self) -> int:
        """Run it; the exit status."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._signalled)
        try:
            return self._run()
        except Stopped:
            self._screen.line("stopping; start again with the same command, nothing is lost")
            return 130 if self._once else 0
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            self._closing.close()
            stop(self._children)

    def _run(self) -> int:
        self._closing.enter_context(hold(self._state))
        ports = keep_ports(
            self._state / "ports.json", ["ehr", *catalogue.service_names()], FIRST_PORT
        )
        settings, ehr, event_log = self._start(ports)
        loaded = self._load(settings, ehr)
        clinic = self._clinic(loaded, ehr, event_log, ports["intake"])
        settled = self._watch(clinic)
        outcomes = clinic.outcomes()
        self._screen.table(outcomes, settings)
        self._screen.addresses(settings, self._state, serving=not self._once)
        lacking = _without_result(outcomes)
        for name in lacking:
            self._screen.line(f"[red]missing[/] {name} gave no result for this patient")
        if self._once:
            if self._as_json:
                print(json.dumps(as_json(settings.fhir_url, outcomes), indent=2))
            return 0 if settled and not lacking else 1
        return self._serve(settings)

    # --- start

    def _start(self, ports: Mapping[str, int]) -> tuple[Settings, Ehr, Log]:
        environment = self._environment(ports)
        argv, ehr_environment = sekmet_command(self._state / "ehr", ports["ehr"])
        own_ehr = Child("ehr", argv, ehr_environment, self._log("ehr"))
        self._launch(own_ehr)
        settings = load_settings(
            **{
                k.removeprefix("CARELOOP_").lower(): v
                for k, v in environment.items()
                if k.startswith("CARELOOP_")
            }
        )
        ehr = self._closing.enter_context(open_ehr(settings))
        self._until(
            "EHR (sekmet, R4 on SQLite)",
            lambda: own_ehr.listens_on(ports["ehr"]) and bool(ehr.capabilities()),
        )
        event_log = open_log(settings)
        event_log.create_topics(settings.partitions, catalogue.analyser_names())
        doctor = self._practitioner(ehr)
        for name in catalogue.service_names():
            own = environment | {
                "CARELOOP_HTTP_PORT": str(ports[name]),
                "CARELOOP_REVIEW_LOCAL_USER": f"{USER}:{doctor}",
            }
            self._launch(service_child(name, own, self._log(name)))
        self._screen.line(
            "[green]started[/] " + ", ".join(f"{n} :{ports[n]}" for n in catalogue.service_names())
        )
        return settings, ehr, event_log

    def _environment(self, ports: Mapping[str, int]) -> dict[str, str]:
        """The children's: ours without careloop settings of the shell.

        Which belong to another clinic.
        """
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CARELOOP_")}
        return inherited | {
            "CARELOOP_STATE_DIR": str(self._state),
            "CARELOOP_FHIR_URL": f"http://127.0.0.1:{ports['ehr']}/fhir",
            "CARELOOP_INTAKE_SINCE": "1970-01-01T00:00:00Z",
            "CARELOOP_INTAKE_SWEEP_SEC": "2",
            "CARELOOP_INTAKE_WEBHOOK_URL": f"http://127.0.0.1:{ports['intake']}/notify",
            "CARELOOP_INTAKE_WEBHOOK_SECRET": secret(self._state, "webhook"),
            "CARELOOP_PLAN_QUIET_SEC": "3",
            "CARELOOP_REVIEW_URL": f"http://127.0.0.1:{ports['review']}",
            "CARELOOP_REVIEW_LOCAL_PASSWORD": secret(self._state, "password"),
            "CARELOOP_REVIEW_SESSION_KEY": secret(self._state, "session"),
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
        }

    def _practitioner(self, ehr: Ehr) -> str:
        identifier = {"system": f"{codes.NS}/demo-practitioner", "value": USER}
        doctor = {
            "resourceType": "Practitioner",
            "identifier": [identifier],
            "active": True,
            "name": [{"family": "Demo", "prefix": ["Dr."]}],
        }
        return ehr.create(
            doctor, f"identifier={identifier['system']}|{identifier['value']}"
        ).reference

    def _launch(self, child: Child) -> None:
        child.start()
        self._children.append(child)

    def _log(self, name: str) -> Path:
        return self._state / f"{name}.log"

    def _until(self, what: str, there: Callable[[], bool]) -> None:
        """Wait for it.

        An EHR that answers on our port and is not our child is somebody else's.
        """
        deadline = time.monotonic() + START_SEC
        while time.monotonic() < deadline:
            try:
                if there():
                    self._screen.line(f"[green]ready[/]   {what}")
                    return
            except (Unavailable, httpx.HTTPError):
                pass
            if not all(child.alive for child in self._children):
                raise Misconfigured(
                    f"{what} ended as it started, perhaps because its port was taken at that "
                    f"moment; start again (log: {self._log('ehr')})"
                )
            self._pause(0.2)
        raise Misconfigured(
            f"{what} did not start within {START_SEC:.0f} s; its log is in {self._state}"
        )

    # --- the patient

    def _load(self, settings: Settings, ehr: Ehr) -> list[Loaded]:
        loaded = load_patient(patient_files(self._state, catalogue.analysers()), settings, ehr)
        new = sum(item.created for item in loaded)
        self._screen.line(
            f"[green]loaded[/]  {len(loaded)} resources of one patient ({new} new): film, genome, "
            "note, orders"
        )
        return loaded

    def _clinic(self, loaded: list[Loaded], ehr: Ehr, event_log: Log, intake_port: int) -> Clinic:
        patient = next(item.reference for item in loaded if is_a(item.reference, "Patient"))
        intake = f"http://127.0.0.1:{intake_port}"
        return Clinic(
            ehr, event_log, patient, [item.reference for item in loaded], partial(swept_at, intake)
        )

    def _watch(self, clinic: Clinic) -> bool:
        """Say what happens as it happens, until all is settled or 300 s are over."""
        while True:
            self._pause(0.5)
            self._revive()
            missing = self._look(clinic)
            if not missing or self._screen.seconds > self._give_up_sec:
                break
        for thing in missing:
            self._screen.line(f"[red]missing[/] {thing}")
        return not missing

    def _look(self, clinic: Clinic) -> list[str]:
        """Show what is new; return what is missing still."""
        try:
            outcomes, missing = clinic.outcomes(), clinic.missing()
        except CareloopError as error:
            return [str(error)]
        self._screen.steps(outcomes)
        return missing

    def _serve(self, settings: Settings) -> int:
        self._screen.line(
            f"Serving until Ctrl-C. Next: open {settings.review_url}, sign or reject a result, and "
            "watch the plan being drawn again."
        )
        while True:
            self._pause(0.5)
            self._revive()

    # --- small things

    def _revive(self) -> None:
        for name in revive(self._children):
            self._screen.line(
                f"[red]{name} had ended[/]; started it again (log: {self._log(name)})"
            )

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()


def _without_result(outcomes: list[Outcome]) -> list[str]:
    """Return the services that declare an example and gave no result."""
    answered = {o.service for o in outcomes if o.outcome in RESULTS}
    return [s.name for s in catalogue.analysers() if s.example and s.name not in answered]
