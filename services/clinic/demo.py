"""`careloop demo`: an EHR, the event log and every service on this machine, one patient, and what
becomes of her.
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
from rich.console import Console
from rich.table import Column, Table

from services import catalogue
from services.clinic.children import Child, revive, service_child, stop
from services.clinic.embedded_ehr import sekmet_command
from services.clinic.ports import keep_ports
from services.clinic.settled import Clinic, Outcome, as_json, swept_at
from services.clinic.state import hold, patient_files, secret
from services.load.patient import Loaded, load_patient
from shared.ehr.client import Ehr, open_ehr
from shared.errors import CareloopError, Misconfigured, Unavailable
from shared.fhir import codes
from shared.settings import Settings, load_settings
from shared.stream.base import Log
from shared.stream.open import open_log

FIRST_PORT: Final = 8410
GIVE_UP_SEC: Final = 300.0
START_SEC: Final = 60.0
USER: Final = "demo"
RESULTS: Final = ("requested", "completed")
STYLE: Final = {"requested": "green", "completed": "green", "rejected": "yellow", "draft": "cyan"}


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
        self._state, self._once, self._as_json, self._give_up_sec = (
            state,
            once,
            as_json,
            give_up_sec,
        )
        self._console = Console(stderr=as_json, highlight=False)
        self._began = time.monotonic()
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
            self._say("stopping; start again with the same command, nothing is lost")
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
        self._show(outcomes, settings)
        good = settled and _every_service_gave_a_result(outcomes)
        if self._once:
            if self._as_json:
                print(json.dumps(as_json(settings.fhir_url, outcomes), indent=2))
            return 0 if good else 1
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
        self._say(
            "[green]started[/] " + ", ".join(f"{n} :{ports[n]}" for n in catalogue.service_names())
        )
        return settings, ehr, event_log

    def _environment(self, ports: Mapping[str, int]) -> dict[str, str]:
        """The children's: ours without careloop settings of the shell, which belong to another
        clinic.
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
        """Wait for it; an EHR that answers on our port and is not our child is somebody else's."""
        deadline = time.monotonic() + START_SEC
        while time.monotonic() < deadline:
            try:
                if there():
                    self._say(f"[green]ready[/]   {what}")
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
        loaded = load_patient(patient_files(self._state), settings, ehr)
        new = sum(item.created for item in loaded)
        self._say(
            f"[green]loaded[/]  {len(loaded)} resources of one patient ({new} new): film, genome, "
            "note, orders"
        )
        return loaded

    def _clinic(self, loaded: list[Loaded], ehr: Ehr, event_log: Log, intake_port: int) -> Clinic:
        patient = next(item.reference for item in loaded if item.reference.startswith("Patient/"))
        intake = f"http://127.0.0.1:{intake_port}"
        return Clinic(
            ehr, event_log, patient, [item.reference for item in loaded], partial(swept_at, intake)
        )

    def _watch(self, clinic: Clinic) -> bool:
        """Say what happens as it happens, until all is settled or 300 s are over."""
        said: set[tuple[str, str, str]] = set()
        while True:
            self._pause(0.5)
            self._revive()
            missing = self._look(clinic, said)
            if not missing or time.monotonic() - self._began > self._give_up_sec:
                break
        for thing in missing:
            self._say(f"[red]missing[/] {thing}")
        return not missing

    def _look(self, clinic: Clinic, said: set[tuple[str, str, str]]) -> list[str]:
        """Say what is new; return what is missing still."""
        try:
            outcomes, missing = clinic.outcomes(), clinic.missing()
        except CareloopError as error:
            return [str(error)]
        for outcome in outcomes:
            step = (outcome.service, outcome.outcome, outcome.resource)
            if step not in said:
                said.add(step)
                self._say(
                    f"[{STYLE.get(outcome.outcome, 'red')}]{outcome.outcome:<9}[/] "
                    f"{outcome.service:<9} {outcome.resource}  {outcome.reason}"
                )
        return missing

    def _show(self, outcomes: list[Outcome], settings: Settings) -> None:
        table = Table(
            "service",
            "outcome",
            "seconds",
            Column("resource", overflow="fold"),
            title="What stands in the EHR",
        )
        for outcome in outcomes:
            style = STYLE.get(outcome.outcome, "red")
            table.add_row(
                outcome.service,
                f"[{style}]{outcome.outcome}[/]",
                f"{outcome.seconds:.1f}",
                outcome.resource,
            )
        self._console.print(table)
        for outcome in outcomes:
            self._say(
                f"{outcome.service:<9} "
                f"{settings.review_url}/results/{outcome.head.removeprefix('Task/')}"
            )
        password = settings.review_local_password
        assert password is not None
        how = "   (start without --once to open it)" if self._once else ""
        self._say(
            f"Review page: [bold]{settings.review_url}[/]   user [bold]{USER}[/]   password "
            f"[bold]{password.get_secret_value()}[/]{how}"
        )
        self._say(f"EHR (FHIR API): {settings.fhir_url}   logs and state: {self._state}")
        self._say(
            f"A patient of your own: CARELOOP_FHIR_URL={settings.fhir_url} "
            f"CARELOOP_STATE_DIR={self._state} careloop load FOLDER"
        )

    def _serve(self, settings: Settings) -> int:
        self._say(
            f"Serving until Ctrl-C. Next: open {settings.review_url}, sign or reject a result, and "
            "watch the plan being drawn again."
        )
        while True:
            self._pause(0.5)
            self._revive()

    # --- small things

    def _revive(self) -> None:
        for name in revive(self._children):
            self._say(f"[red]{name} had ended[/]; started it again (log: {self._log(name)})")

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()

    def _say(self, text: str) -> None:
        self._console.print(
            f"[dim]{time.monotonic() - self._began:5.1f} s[/]  {text}", soft_wrap=True
        )


def _every_service_gave_a_result(outcomes: list[Outcome]) -> bool:
    return {o.service for o in outcomes if o.outcome in RESULTS} >= set(catalogue.analyser_names())
