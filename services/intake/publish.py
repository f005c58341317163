"""From what the EHR holds to the event log: each version once as far as we remember, in the order in which it was written."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from services.intake.state import State
from shared.events import ResourceEvent, encode
from shared.fhir.client import Ehr, Version
from shared.fhir.summary import event_of
from shared.stream.base import EVENTS_TOPIC, Message, Sink

PUBLISH_SEC = 5.0
WATCHED = ("ImagingStudy", "DocumentReference", "DiagnosticReport", "Condition", "MedicationRequest", "AllergyIntolerance", "Observation")


@dataclass(frozen=True)
class Publisher:
    """Publishes what is new, then remembers it: a crash between the two doubles an event and loses none."""

    ehr: Ehr
    sink: Sink
    state: State
    lock: threading.Lock

    def versions(self, versions: Iterable[Version]) -> int:
        """Publish those that were not yet; return how many.

        Raises:
            Unavailable: the log did not take them within 5 s; nothing is remembered.
        """
        with self.lock:
            new = sorted((v for v in versions if self.state.is_new(v.reference, v.version)), key=_written_at)
            self._send([self._event(v) for v in new])
        return len(new)

    def focus(self, reference: str) -> None:
        """Read a focus that a notification named, and publish its current version; what is gone is left to the sweep, which sees deletes."""
        resource = self.ehr.read(reference)
        if resource is None or resource["resourceType"] not in WATCHED:
            return
        meta = resource.get("meta", {})
        self.versions([Version(reference, str(meta.get("versionId", "")), str(meta.get("lastUpdated", "")), False, resource)])

    def _event(self, version: Version) -> ResourceEvent:
        if version.resource is None:
            subject = self.state.subject(version.reference)
            return ResourceEvent(version.reference, version.version, "delete", subject=subject, time=version.time)
        event = event_of(version.resource, "create" if version.version == "1" else "update")
        return replace(event, version=version.version, time=version.time)

    def _send(self, events: Sequence[ResourceEvent]) -> None:
        if not events:
            return
        messages = [Message(*encode(event, self.ehr.base)) for event in events]
        self.sink.send(EVENTS_TOPIC, messages, PUBLISH_SEC)
        self.state.remember((e.focus, e.version, e.time, e.subject) for e in events)


def _written_at(version: Version) -> tuple[str, int]:
    return version.time, int(version.version) if version.version.isdigit() else 0
