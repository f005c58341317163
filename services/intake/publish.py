"""From what the EHR holds to the event log: each version once as far as we remember, in the order
in which it was written.
"""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from services.intake.health import Health
from services.intake.state import State
from services.intake.watched import INPUTS, PASSING, RELATED, SEARCHED, SWEPT, WATCHED
from shared.ehr.client import Ehr, Version
from shared.errors import FhirError, PoisonRecord, Unavailable
from shared.events import ResourceEvent, decode, encode
from shared.fhir.summary import event_of
from shared.instants import instant, parse
from shared.references import subject_of
from shared.stream.base import EVENTS_TOPIC, Message, Sink
from shared.stream.tracing import new_traceparent

log = logging.getLogger(__name__)
PUBLISH_SEC = 5.0
BATCH = 500
PART = 20_000
"""Events that are held at most while a history is paged; its parts may come newest first, which
`State` and the services bear.
"""
FRESH = timedelta(hours=1)
"""What was written longer ago, by a clock that may differ from ours, the EHR's searches have found
since.
"""
MALFORMED = (KeyError, TypeError, AttributeError, ValueError)
"""What reading a resource raises that is not shaped as R4 says."""


@dataclass(frozen=True)
class Publisher:
    """Publishes what is new, then remembers it: a crash between the two doubles an event and loses
    none.
    """

    ehr: Ehr
    sink: Sink
    state: State
    lock: threading.Lock
    health: Health = field(default_factory=Health)

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
        """Read a focus that a notification named, and publish its current version; what is gone is
        left to the sweep, which sees deletes.
        """
        kind = reference.split("/", 1)[0]
        resource = self.ehr.read(reference) if kind in SWEPT else None
        if resource is None or resource.get("resourceType") != kind:
            return
        meta = resource.get("meta") or {}
        self.versions(
            [
                Version(
                    reference,
                    str(meta.get("versionId", "")),
                    str(meta.get("lastUpdated", "")),
                    False,
                    resource,
                )
            ]
        )

    def _fresh(self, versions: Iterable[Version]) -> Iterator[ResourceEvent]:
        """One by one, so that no resource is held longer than it takes to read it."""
        for version in versions:
            mark = version.version or utc(version.time)
            if not self.state.is_new(version.reference, mark):
                continue
            try:
                event = summary(version)
            except MALFORMED as error:
                self.health.skipped.labels(version.reference.split("/", 1)[0]).inc()
                log.error(
                    "%s in version %s of %s: left out",
                    type(error).__name__,
                    version.version,
                    version.reference,
                )
                self.state.skip(version.reference, mark)
            else:
                yield event

    def _publish(self, part: Sequence[ResourceEvent]) -> int:
        """In batches, so that a notification waits for one of them at most."""
        ordered, told = sorted(part, key=_written_at), 0
        for i in range(0, len(ordered), BATCH):
            former = self._former(
                self._new(ordered[i : i + BATCH])
            )  # may ask the EHR about each: meanwhile nobody waits for us
            with self.lock:
                new = self._new(ordered[i : i + BATCH])
                if new:
                    self._tell(new, former)
            told += len(new)
        return told

    def _new(self, events: Sequence[ResourceEvent]) -> list[ResourceEvent]:
        return [e for e in events if self.state.is_new(e.focus, mark_of(e))]

    def _former(self, events: Sequence[ResourceEvent]) -> Mapping[tuple[str, str], str | None]:
        """(focus, version) -> whose it was before, of those of which only the EHR knows."""
        former: dict[tuple[str, str], str | None] = {}
        known: dict[str, str | None] = {}
        for event in events:
            before = known.get(event.focus)
            if not before and _has_version_before(event):
                last = self.state.last(event.focus)
                before = last.subject if last else None
                if not before:
                    before = self._subject_before(
                        event, known=last is not None or event.focus in known
                    )
                    former[event.focus, event.version] = before
            known[event.focus] = event.subject or before
        return former

    def _tell(
        self, events: Sequence[ResourceEvent], former: Mapping[tuple[str, str], str | None]
    ) -> None:
        """A corrected subject concerns both patients: whose it was is told of what her plan may
        rest on. An input is told to whose it is alone: what is analysed is hers, and the consent of
        whose it was must not speak for it; a report of it that moves is told to both then."""
        self.state.prove_writable()
        whole: dict[str, ResourceEvent] = {}
        told: list[tuple[str, ResourceEvent]] = []
        patients: dict[str, None] = {}
        replaced: dict[str, None] = {}
        current: list[ResourceEvent] = []
        due: set[str] = set()
        for bare in events:
            last = whole.get(bare.focus) or self.state.last(bare.focus)
            before = (last.subject if last else None) or former.get((bare.focus, bare.version))
            event = (
                replace(bare, subject=bare.subject or before) if bare.action == "delete" else bare
            )
            whole[event.focus] = event
            told.append((mark_of(event), event))
            concerned = [event.subject, *([before] if before not in (None, event.subject) else [])]
            rests: dict[str, None] = {}
            if event.type not in RELATED:
                told_to = concerned[:1] if event.type in INPUTS else concerned
                current += [replace(event, subject=subject) for subject in told_to]
                rests = dict.fromkeys([*event.replaces, *(last.replaces if last else ())])
                replaced |= rests
            elif last is None or mark_of(last) != mark_of(
                event
            ):  # else the log was lost, not the patient changed
                rests = dict.fromkeys(s for s in concerned if s)
                patients |= rests
            if event.type in SEARCHED and _is_fresh(event):
                due |= rests.keys()
        self._send(current)
        for patient in patients:
            self._tell_again(patient)
        self._send(
            _again(
                known for focus in replaced if (known := whole.get(focus) or self.state.last(focus))
            )
        )
        self.state.remember(told, due)

    def once_more(self, reference: str) -> None:
        """Tell again what was due: all that rests on a patient, or one input. Nothing becomes due
        by it.

        Raises:
            Unavailable: the log did not take it; it stays due.
        """
        with self.lock:
            if reference.split("/", 1)[0] not in INPUTS:
                self._tell_again(reference)
            elif known := self.state.last(reference):
                self._send(_again([known]))
            self.state.told_once_more(reference)

    def _tell_again(self, patient: str) -> None:
        """All inputs of the patient, however many, and one event for her plan."""
        for page in self.state.inputs_of(patient):
            self._send(_again(page))
        if plan := self.state.plan_of(patient):
            self._send(_again([plan]))

    def _subject_before(self, event: ResourceEvent, *, known: bool) -> str | None:
        """Whose it was, by the version before: asked for a delete, and for a change of what is
        known no longer (`State.counted`).

        In a first sweep nobody was told of that version, or it is of the same sweep and names its
        patient itself.
        """
        forgotten = (
            not known
            and event.type in PASSING
            and self.state.counted
            and self.state.cursor(event.type) is not None
        )
        if event.action != "delete" and not forgotten:
            return None
        try:
            return subject_of(
                self.ehr.operation(f"{event.focus}/_history/{int(event.version) - 1}", {})
            )
        except (FhirError, Unavailable) as error:
            if isinstance(error, Unavailable) and not error.suspect:
                raise
            log.log(
                logging.WARNING if event.action == "delete" else logging.DEBUG,
                "nobody knows whose %s was: %s",
                event.focus,
                error,
            )
            return None

    def _send(self, events: Sequence[ResourceEvent]) -> None:
        for i in range(0, len(events), BATCH):
            self.sink.send(
                EVENTS_TOPIC,
                [
                    Message(*encode(event, self.ehr.base, new_traceparent()))
                    for event in events[i : i + BATCH]
                ],
                PUBLISH_SEC,
            )


def _has_version_before(event: ResourceEvent) -> bool:
    """One that may name another subject; a delete that names its own has none to look for."""
    return (
        event.version.isdecimal()
        and int(event.version) >= 2
        and not (event.action == "delete" and event.subject)
    )


def summary(version: Version) -> ResourceEvent:
    """The event of this version; that of a delete names no subject but a Patient's own.

    Raises one of MALFORMED.
    """
    if version.resource is None:
        subject = version.reference if version.reference.startswith("Patient/") else None
        return ResourceEvent(
            version.reference, version.version, "delete", subject=subject, time=utc(version.time)
        )
    event = event_of(version.resource, "create" if version.version == "1" else "update")
    event = replace(event, version=version.version, time=utc(version.time))
    try:
        return decode(encode(event, "")[1])
    except PoisonRecord as error:  # such as a code that is no text: no service could read it
        raise ValueError(str(error)) from None


def _again(events: Iterable[ResourceEvent]) -> list[ResourceEvent]:
    """The last events of foci that did not change themselves; nobody looks again at what is gone."""
    return [
        replace(event, action="update")
        for event in events
        if event.type in WATCHED and event.action != "delete"
    ]


def _is_fresh(event: ResourceEvent) -> bool:
    return not event.time or event.time > instant(datetime.now(UTC) - FRESH)


def utc(time: str) -> str:
    """The instant in UTC with milliseconds; empty where the server gave none that can be read."""
    try:
        return instant(parse(time))
    except (
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
    ):  # the last: a time at the end of all years, in another zone
        return ""


def mark_of(event: ResourceEvent) -> str:
    """What tells versions of a resource apart, also where the EHR numbers none."""
    return event.version or event.time


def _written_at(event: ResourceEvent) -> tuple[bool, str, int]:
    return not event.time, event.time, int(event.version) if event.version.isdecimal() else 0
