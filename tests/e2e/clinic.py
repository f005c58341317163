"""A clinic of real processes: an EHR, an event log, every service as `careloop run X`; killed and
started again at will.
"""

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from services import catalogue
from services.clinic.children import Child, service_child, stop
from services.clinic.ports import free_ports
from services.clinic.settled import Clinic as Patient
from services.clinic.settled import swept_at
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.errors import Unavailable
from shared.json import Json
from shared.runtime.loop import group_of
from shared.settings import Settings, load_settings
from shared.stream.base import EVENTS_TOPIC, Log
from shared.stream.open import open_log
from tests.broker import Broker
from tests.peers import ServedEhr

WRITTEN: Final = (
    "Task", "DiagnosticReport", "Observation", "Media", "Condition", "DetectedIssue",
    "CarePlan", "RequestGroup", "ServiceRequest", "MedicationRequest", "Goal",
    "Provenance", "Device", "AuditEvent", "DocumentReference", "ImagingStudy", "Consent",
    "AllergyIntolerance",
    "Subscription", "Patient", "Practitioner",
)  # fmt: skip
SWEEP_SEC: Final = 2
IN_FLIGHT: Final = re.compile(r"^careloop_in_flight\{.*\} (\S+)$", re.MULTILINE)


@dataclass
class Clinic:
    """Everything that runs, and what tests ask of it."""

    folder: Path
    server: ServedEhr
    broker: Broker | None
    secret: str = "knock"
    ports: Mapping[str, int] = field(
        default_factory=lambda: dict(
            zip(catalogue.service_names(), free_ports(len(catalogue.service_names())), strict=True)
        )
    )

    def __post_init__(self) -> None:
        self.settings: Settings = load_settings(
            **{k.removeprefix("CARELOOP_").lower(): v for k, v in self.environment().items()}
        )
        self.ehr: Ehr = open_ehr(self.settings)
        self.log: Log = open_log(self.settings)
        self.log.create_topics(8, catalogue.analyser_names())
        self.practitioner = self.ehr.create(
            {"resourceType": "Practitioner", "name": [{"family": "Tester"}]}
        ).reference
        self.children = {name: self._child(name) for name in catalogue.service_names()}

    def environment(self) -> dict[str, str]:
        """The settings of every service."""
        kafka = (
            {
                "CARELOOP_KAFKA_BOOTSTRAP_SERVERS": self.broker.address,
                "CARELOOP_KAFKA_SESSION_TIMEOUT_MS": "6000",
            }
            if self.broker
            else {}
        )
        return kafka | {
            "CARELOOP_STATE_DIR": str(self.folder / "state"),
            "CARELOOP_FHIR_URL": self.server.base,
            "CARELOOP_INTAKE_SINCE": "1970-01-01T00:00:00Z",
            "CARELOOP_INTAKE_SWEEP_SEC": str(SWEEP_SEC),
            "CARELOOP_INTAKE_SUBSCRIPTION_CHECK_SEC": "3",
            "CARELOOP_INTAKE_WEBHOOK_URL": f"http://127.0.0.1:{self.ports['intake']}/notify",
            "CARELOOP_INTAKE_WEBHOOK_SECRET": self.secret,
            "CARELOOP_PLAN_QUIET_SEC": "2",
            "CARELOOP_BACKOFF_MAX_SEC": "2",
            "CARELOOP_PARTITIONS": "8",
            "CARELOOP_REVIEW_LOCAL_PASSWORD": self.secret,
        }

    def _child(self, name: str) -> Child:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CARELOOP_")}
        own = {
            "CARELOOP_HTTP_PORT": str(self.ports[name]),
            "OMP_NUM_THREADS": "1",
            "CARELOOP_REVIEW_LOCAL_USER": f"tester:{self.practitioner}",
        }
        return service_child(
            name, inherited | self.environment() | own, self.folder / f"{name}.log"
        )

    def start(self, *names: str) -> None:
        """Start these services, or all."""
        for name in names or catalogue.service_names():
            self.children[name].start()

    def kill(self, name: str) -> None:
        """SIGKILL."""
        process = self.children[name].process
        assert process is not None
        process.kill()
        process.wait()

    def stop(self, *names: str) -> None:
        """SIGTERM, and wait."""
        stop([self.children[name] for name in names or catalogue.service_names()])

    def close(self) -> None:
        """End everything but the broker."""
        self.stop()
        self.ehr.close()

    def ready(self, name: str) -> bool:
        """The service's own word."""
        try:
            return (
                httpx.get(f"http://127.0.0.1:{self.ports[name]}/readyz", timeout=2).status_code
                == 200
            )
        except httpx.HTTPError:
            return False

    def in_work(self, name: str) -> int:
        """How many events the service works on, by its own count; 0 of intake, which has none."""
        try:
            said = httpx.get(f"http://127.0.0.1:{self.ports[name]}/metrics", timeout=2).text
        except httpx.HTTPError:
            return 0
        return sum(int(float(count)) for count in IN_FLIGHT.findall(said))

    def swept(self) -> str | None:
        """When the newest complete sweep began."""
        return swept_at(f"http://127.0.0.1:{self.ports['intake']}")

    def patient(self, references: list[str]) -> Patient:
        """One patient's inputs, for what is missing."""
        [who] = [r for r in references if r.startswith("Patient/")]
        return Patient(self.ehr, self.log, who, references, self.swept)

    def lag(self) -> int:
        """Records that some service has not finished."""
        return sum(
            self.log.group_lag(EVENTS_TOPIC, group_of(name)) for name in catalogue.analyser_names()
        )

    def history(self) -> Iterator[Json]:
        """Every version of every resource of the kinds that careloop reads or writes, drafts that
        were replaced or taken back included.
        """
        for kind in WRITTEN:
            yield from (
                v.resource for v in self.ehr.history(kind, "1970-01-01T00:00:00Z") if v.resource
            )

    def versions(self) -> dict[str, str]:
        """`Type/id` -> version of all of them; Subscriptions aside, since the EHR itself writes
        their status.
        """
        kinds = [k for k in WRITTEN if k != "Subscription"]
        return {
            f"{kind}/{r['id']}": r["meta"]["versionId"]
            for kind in kinds
            for r in self.ehr.search(kind, {"_count": "500"})
        }

    def said(self) -> str:
        """All logs and metrics of the services."""
        metrics = [
            httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
            for port in self.ports.values()
        ]
        return "\n".join([*metrics, *(p.read_text() for p in self.folder.glob("*.log"))])


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask again and again until it holds or the time is over; what is away at the moment does not
    hold yet.
    """
    deadline = time.monotonic() + seconds
    while not _holds(condition):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.25)
    return True


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except Unavailable:
        return False
