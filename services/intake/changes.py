"""What a batch of changes makes: events, and whom else they concern (pure)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from services.intake.known.marks import Mark, is_suspect, mark_of
from services.intake.watched import SEARCHED, Watch
from shared.events import ResourceEvent
from shared.instants import instant
from shared.service import RELATED

FRESH: Final = timedelta(hours=1)
"""What was written longer ago, by a clock that may differ from ours, the EHR's searches have found
since.
"""

Former = Mapping[tuple[str, Mark], ResourceEvent | None]
"""(focus, mark) -> the version before, as the EHR tells it; None where it does not."""


@dataclass(frozen=True)
class Publication:
    """What is to be published, in this order, and remembered after it.

    Attributes:
        events: to send as they are.
        patients: all that rests on these is published again.
        inputs: these are published again: documents that another one replaces, or no more.
        recheck: patients and inputs that are published once more, when the EHR's searches must have
            found what was written.
        remember: the event of every change, by which it is known the next time.
        latest: focus -> its newest event in this batch.
        unwanted: those of the changes that no service accepts, now or before: without an event.
        suspect: some version's number is not above the one before: see `rewound`.
        links: pairs of patient records that are merged, or were before.
    """

    events: Sequence[ResourceEvent]
    patients: Sequence[str]
    inputs: Sequence[str]
    recheck: frozenset[str]
    remember: Sequence[ResourceEvent]
    latest: Mapping[str, ResourceEvent]
    unwanted: Sequence[ResourceEvent] = ()
    suspect: bool = False
    links: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Change:
    """One change, with what was known before it.

    Attributes:
        event: with the subject of what was deleted, where it was known.
        known: the last event of this focus that we know, or None.
        before: the version before, as we or the EHR know it, or None.
        was_asked: the EHR was asked for the version before.
        subjects: whom it concerns: the subject now, then another one before.
    """

    event: ResourceEvent
    known: ResourceEvent | None
    before: ResourceEvent | None
    was_asked: bool
    subjects: tuple[str | None, ...]

    @property
    def is_new(self) -> bool:
        """False: the log was lost, not the resource changed."""
        return self.known is None or not mark_of(self.known).equals(mark_of(self.event))


def changes(
    events: Sequence[ResourceEvent],
    last: Callable[[str], ResourceEvent | None],
    former: Former,
    watch: Watch,
) -> Publication:
    """Work out what these events, in the order of writing, publish.

    Args:
        last: the last event of a focus that was published before this batch, or None.
        former: (focus, mark) -> the version before, of those of which only the EHR knows.
    """
    latest: dict[str, ResourceEvent] = {}
    found: list[Change] = []
    for event in events:
        change = _change(event, latest.get(event.focus) or last(event.focus), former)
        latest[event.focus] = change.event
        found.append(change)

    unwanted = [c.event for c in found if c.event.type not in RELATED and not _wanted(c, watch)]
    return Publication(
        events=[event for change in found for event in _published(change, watch)],
        patients=list(dict.fromkeys(p for change in found for p in _patients(change))),
        inputs=list(dict.fromkeys(i for change in found for i in _replaced(change))),
        recheck=frozenset(r for change in found for r in _rechecked(change)),
        remember=[change.event for change in found],
        latest=latest,
        unwanted=unwanted,
        suspect=any(is_suspect(change.known, change.event) for change in found),
        links=list(dict.fromkeys(pair for change in found for pair in _linked(change))),
    )


def _change(
    event: ResourceEvent,
    known: ResourceEvent | None,
    former: Former,
) -> Change:
    key = (event.focus, mark_of(event))
    last = known or former.get(key)
    subject = (known.subject if known else None) or _subject(former.get(key))
    if event.action == "delete":
        event = replace(event, subject=event.subject or subject)

    moved = subject is not None and subject != event.subject
    subjects = (event.subject, subject) if moved else (event.subject,)
    return Change(event, known, last, key in former, subjects)


def _subject(event: ResourceEvent | None) -> str | None:
    return event.subject if event else None


def _published(change: Change, watch: Watch) -> list[ResourceEvent]:
    """Return its events: none of a Consent, two of a corrected subject.

    A corrected subject concerns both patients: the plan of the former one may rest on it. An input
    is published to the patient it has now alone: what is analysed is hers, and the consent of the
    former one must not speak for it. (A report of it that moves is published to both then.)
    """
    event = change.event
    if event.type in RELATED or not _wanted(change, watch):
        return []

    hers_alone = watch.is_input(event) and not watch.concerns_plan(event)
    subjects = change.subjects[:1] if hers_alone else change.subjects
    return [replace(event, subject=subject) for subject in subjects]


def _wanted(change: Change, watch: Watch) -> bool:
    """Tell whether a service accepts it, or accepted its former version.

    What was accepted once and is no more, such as an Observation with another code, is a
    retraction. A delete carries no codes, so all accept it: what it was before decides. Where that
    is not known, any but a first version may be a retraction, unless it is of our own writing.
    """
    event, before = change.event, change.before
    if event.action != "delete" or before is None:
        by = (replace(event, subject=subject) for subject in change.subjects)
        if any(watch.is_accepted(one) for one in by):
            return True
    if before is not None:
        return watch.is_accepted(before)
    return event.action != "create" and (change.was_asked or event.answer_of is None)


def _patients(change: Change) -> list[str]:
    """Return the patients to publish again: their Patient or Consent changed."""
    if change.event.type not in RELATED or not change.is_new:
        return []
    return [subject for subject in change.subjects if subject]


def _replaced(change: Change) -> list[str]:
    """Return the documents that it replaces, or replaced before."""
    if change.event.type in RELATED:
        return []
    before = change.known.replaces if change.known else ()
    return [*change.event.replaces, *before]


def _linked(change: Change) -> list[tuple[str, str]]:
    """Return the pairs of records in its links, present and former."""
    before = change.before.links if change.before else ()
    return [(change.event.focus, other) for other in (*change.event.links, *before)]


def _rechecked(change: Change) -> list[str]:
    """Return what rests on it and may be found late by the EHR's searches."""
    searched = change.event.type in SEARCHED or bool(change.event.links)
    if not searched or not _is_fresh(change.event):
        return []
    return [*_patients(change), *_replaced(change)]


def _is_fresh(event: ResourceEvent) -> bool:
    return not event.time or event.time > instant(datetime.now(UTC) - FRESH)
