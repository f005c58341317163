"""What the tests of runtime share."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from shared.answers import Answer
from shared.ehr.opening import open_ehr
from shared.events import encode
from shared.fhir.summary import event_of
from shared.runtime.line import Line, at_ehr
from shared.runtime.loop import Runtime, group_of
from shared.runtime.metrics import Metrics
from shared.settings import Settings
from shared.stream.base import EVENTS_TOPIC, Message
from shared.stream.memory import MemoryLog
from tests.fakes import FakeEhr
from tests.toy import TOY, Findings, Model, note

PATIENCE_SEC = 60.0


LEASE_SEC = 2.0


class World:
    """A fake EHR, a log, and runtimes that come and go."""

    def __init__(self, fake: FakeEhr, tmp_path: Path) -> None:
        self.fake = fake
        self.settings = Settings(
            fhir_url=fake.base,
            state_dir=tmp_path,
            backoff_max_sec=0.2,
            not_yet_max_sec=1.0,
            fhir_timeout_sec=20.0,
            shutdown_sec=5.0,
        )
        self.log = MemoryLog(LEASE_SEC)
        self.log.create_topics(4, ["toy"])
        self.sink = self.log.sink()
        self.ehr = open_ehr(self.settings)
        self.patient = self.ehr.create({"resourceType": "Patient"}).reference

    def runtime(self, **changes: Any) -> Runtime:
        service = replace(TOY, **{k: v for k, v in changes.items() if k != "settings"})
        settings = self.settings.model_copy(update=changes.get("settings", {}))
        return Runtime(
            Line(service, self.ehr, Model(), settings, at_ehr(self.ehr)), self.log, Metrics("toy")
        )

    @contextmanager
    def running(self, **changes: Any) -> Iterator[Runtime]:
        stop, runtime = threading.Event(), self.runtime(**changes)
        thread = threading.Thread(target=runtime.run, args=(stop,))
        thread.start()
        try:
            yield runtime
        finally:
            stop.set()
            thread.join(PATIENCE_SEC)
            assert not thread.is_alive()

    def write(self, text: str, patient: str | None = None) -> str:
        return self.ehr.create(note(patient or self.patient, text)).reference

    def tell(self, *references: str) -> None:
        for reference in references:
            resource = self.ehr.read(reference)
            assert resource
            self.sink.send(
                EVENTS_TOPIC, [Message(*encode(event_of(resource, "update"), self.ehr.base))]
            )

    def settled(self, seconds: float = PATIENCE_SEC) -> bool:
        return until(lambda: self.log.group_lag(EVENTS_TOPIC, group_of("toy")) == 0, seconds)

    def outcome(self, reference: str) -> str | None:
        heads = self.ehr.heads(Answer("toy", reference))
        assert len(heads) <= 1, "one head per answer"
        return heads[0].outcome if heads else None

    def reports(self) -> int:
        return len(self.fake.resources("DiagnosticReport"))

    def versions(self) -> dict[str, str]:
        kinds = ("Task", "DiagnosticReport", "Observation", "Provenance", "AuditEvent", "Device")
        return {
            f"{k}/{r['id']}": r["meta"]["versionId"] for k in kinds for r in self.fake.resources(k)
        }


def until(condition: Callable[[], bool], seconds: float = PATIENCE_SEC) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def replace_findings(inputs: Any) -> Any:
    return Findings(len(inputs.text.split()))
