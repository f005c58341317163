"""From what the EHR holds to the event log.

Each version is published once, as far as we remember, in the order in which it was written.
"""

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from services.intake.changes import Former, changes
from services.intake.former import FormerVersions
from services.intake.health import Health
from services.intake.known.marks import Mark, mark_of
from services.intake.state import State
from services.intake.versions import MALFORMED, event_of_version, is_written_by_us, utc
from services.intake.watched import Watch, installed
from shared.ehr.client import Ehr, Version
from shared.errors import FhirError, Unavailable
from shared.events import ResourceEvent, encode
from shared.json import Json
from shared.references import is_a, local_reference, type_of, version_of
from shared.service import RELATED
from shared.stream.base import EVENTS_TOPIC, Message, Sink
from shared.stream.tracing import new_traceparent

log = logging.getLogger(__name__)
PUBLISH_SEC = 5.0
BATCH = 500
FOCI = 40
"""Ids in one search: the URL stays far below the 2,000 characters that every proxy accepts."""
PART = 20_000
"""Events that are kept in memory at most while a history is paged; its parts may come newest first,
which `State` and the services bear.
"""


@dataclass(frozen=True)
class Publisher:
    """Publishes what is new, then remembers it.

    A crash between the two doubles an event and loses none.

    Attributes:
        suspicion: set when the EHR may have gone back in time (see `rewound`).
    """

    ehr: Ehr
    sink: Sink
    state: State
    lock: threading.Lock
    health: Health = field(default_factory=Health)
    watch: Watch = field(default_factory=installed)
    suspicion: threading.Event = field(default_factory=threading.Event)

    def versions(self, versions: Iterable[Version]) -> int:
        """Publish those that were not yet; return how many.

        Raises:
            Unavailable: the log did not take a batch within 5 s; of that and what follows nothing
                is remembered.
        """
        fresh, new = self._fresh(versions), 0
        while part := list(islice(fresh, PART)):
            new += self._publish(part)
        return new

    def focus(self, reference: str) -> None:
        """Read a focus that a notification named, and publish its current version.

        What is gone is left to the sweep, which sees deletes.
        """
        kind = type_of(reference)
        resource = self.ehr.read(reference) if kind in self.watch.swept else None
        if resource is None or resource.get("resourceType") != kind:
            return

        self.versions([version_in(resource)])

    def search(self, foci: Sequence[str]) -> list[str]:
        """Search foci of one type by their ids and publish them; return those not found.

        One request for many. A search may be refused, or late: a read tells then.
        """
        missing = dict.fromkeys(foci)
        for i in range(0, len(foci), FOCI):
            ids = ",".join(focus.split("/")[1] for focus in foci[i : i + FOCI])
            try:
                hits = list(self.ehr.search(type_of(foci[i]), {"_id": ids}))
            except (FhirError, Unavailable) as error:
                if isinstance(error, Unavailable) and not error.suspect:
                    raise
                log.info("no search by _id there: each is read (%s)", error)
                break
            read = [version_in(hit) for hit in hits if local_reference(hit) in missing]
            self.versions(read)
            for version in read:
                missing.pop(version.reference, None)
        return list(missing)

    def publish_again(self, reference: str) -> None:
        """Publish what was to be rechecked: all that rests on a patient, or one input.

        Nothing more is to be rechecked by it.

        Raises:
            Unavailable: the log did not take it; it stays to be rechecked.
        """
        with self.lock:
            if is_a(reference, "Patient"):
                self._publish_patients([reference])
            elif known := self.state.last(reference):
                self._send(self._again([known]))
            self.state.rechecked(reference)

    def _fresh(self, versions: Iterable[Version]) -> Iterator[ResourceEvent]:
        """Yield events one by one.

        So that no resource is kept longer than it takes to read it. A delete is looked at again
        when all before it is remembered: it may end another life of its resource.
        """
        for version in versions:
            mark = Mark(version.version, utc(version.time), version.deleted)
            if not version.deleted and not self.state.is_new(version.reference, mark):
                is_ours = is_written_by_us(version.resource)
                self.health.count(type_of(version.reference), "again", is_ours=is_ours)
                continue
            try:
                event = event_of_version(version)
            except MALFORMED as error:
                self.health.skipped.labels(type_of(version.reference)).inc()
                log.error(
                    "%s in version %s of %s: left out",
                    type(error).__name__,
                    version.version,
                    version.reference,
                )
                if version.resource is not None:  # what is not shown may be later
                    self.state.skip(version.reference, mark)
            else:
                yield event

    def _publish(self, part: Sequence[ResourceEvent]) -> int:
        """Publish in batches, so that a notification waits for one of them at most."""
        ordered, published = sorted(part, key=_written_at), 0
        subjects = FormerVersions(self.ehr, self.state, self.watch)
        for i in range(0, len(ordered), BATCH):
            batch = ordered[i : i + BATCH]
            # may ask the EHR about each of them: meanwhile nobody waits for our lock
            former = subjects.of(self._new(batch))
            with self.lock:
                new = self._new(batch)
                if new:
                    self._publish_changes(new, former)
            published += len(new)
        return published

    def _new(self, events: Sequence[ResourceEvent]) -> list[ResourceEvent]:
        """Return those not yet published, and the deletes of any among them."""
        found: list[ResourceEvent] = []
        begun: dict[str, Mark] = {}
        for event in events:
            mark, before = mark_of(event), begun.get(event.focus)
            ends_new = before is not None and mark.ends(before)
            if ends_new or self.state.is_new(event.focus, mark):
                begun[event.focus] = mark
                found.append(event)
        return found

    def _publish_changes(self, events: Sequence[ResourceEvent], former: Former) -> None:
        """Send what the changes make, then remember them."""
        self.state.prove_writable()
        publication = changes(events, self.state.last, former, self.watch)
        if publication.suspect:
            self.suspicion.set()

        if publication.links:
            self.state.link(publication.links)
        self._send(publication.events)
        self._publish_patients(publication.patients)
        known = [publication.latest.get(i) or self.state.last(i) for i in publication.inputs]
        self._send(self._again(event for event in known if event))

        self.state.remember(publication.remember, publication.recheck)
        unwanted = {(event.focus, mark_of(event)) for event in publication.unwanted}
        for event in publication.remember:
            wanted = "unwanted" if (event.focus, mark_of(event)) in unwanted else "published"
            fate = "related" if event.type in RELATED else wanted
            self.health.count(event.type, fate, is_ours=event.answer_of is not None)

    def _publish_patients(self, patients: Iterable[str]) -> None:
        """Publish all inputs, however many, and an event for each plan.

        Those of all records with which one of these is merged, or was: what rests on one rests on
        all of them.
        """
        records = dict.fromkeys(r for patient in patients for r in self.state.linked(patient))
        for record in records:
            for page in self.state.inputs_of(record):
                self._send(self._again(page))
            self._send(self._again(self._plans_of(record)))

    def _plans_of(self, record: str) -> list[ResourceEvent]:
        """Return events for the plans of a record: a plan may rest on another one's alone."""
        return [
            replace(event, subject=record)
            for linked in self.state.linked(record)
            for event in self.state.plans_of(linked)
        ]

    def _again(self, events: Iterable[ResourceEvent]) -> list[ResourceEvent]:
        """Return last events of unchanged foci, as updates; what is gone has none."""
        return [
            replace(event, action="update")
            for event in events
            if event.type in self.watch.watched and event.action != "delete"
        ]

    def _send(self, events: Sequence[ResourceEvent]) -> None:
        for i in range(0, len(events), BATCH):
            messages = [
                Message(*encode(event, self.ehr.base, new_traceparent()))
                for event in events[i : i + BATCH]
            ]
            self.sink.send(EVENTS_TOPIC, messages, PUBLISH_SEC)


def version_in(resource: Json) -> Version:
    """Return the version that was read or found."""
    time = str((resource.get("meta") or {}).get("lastUpdated", ""))
    return Version(local_reference(resource), version_of(resource), time, False, resource)


def _written_at(event: ResourceEvent) -> tuple[bool, str, int]:
    number = int(event.version) if event.version.isdecimal() else 0
    return not event.time, event.time, number
