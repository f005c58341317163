"""Looks at the EHR for the index: Tasks as they stand, and the parts of heads."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.review.worklist.kept.entry import Entry, entry_of, parts_of
from shared.answers import Head
from shared.ehr.ahead import reading
from shared.ehr.client import Ehr
from shared.errors import FhirError, Unavailable
from shared.fhir.heads import head_of
from shared.json import Json

log = logging.getLogger(__name__)
AT_ONCE: Final = 100
"""Reads in one batch."""
MALFORMED: Final = (KeyError, TypeError, AttributeError, ValueError, IndexError)
"""What reading a resource raises that is not shaped as R4 says."""


@dataclass(frozen=True)
class Seen:
    """What was made of Tasks.

    Attributes:
        entries: of those that are heads, by Task id.
        partly: ids of those with a part that could not be read: it may say more.
    """

    entries: Mapping[str, Entry]
    partly: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Looks:
    """Reads what entries are made of."""

    ehr: Ehr

    def tasks(self, ids: Sequence[str]) -> Mapping[str, Json | None]:
        """Read Tasks by their ids.

        Returns:
            None for one that is gone. One that can't be read is left out: nothing is known of it.
        """
        found = self.read([f"Task/{task_id}" for task_id in ids])
        return {reference.split("/", 1)[1]: task for reference, task in found.items()}

    def entries(self, tasks: Iterable[Json]) -> Seen:
        """Make the entries of those Tasks that are heads."""
        wanted = {head.task["id"]: (head, refs) for task in tasks for head, refs in _head(task)}
        parts = self.read(list(dict.fromkeys(r for _, refs in wanted.values() for r in refs)))
        made, partly = {}, set()
        for task_id, (head, refs) in wanted.items():
            own = [part for ref in refs if (part := parts.get(ref))]
            if entry := _entry(head, own):
                made[task_id] = entry
            if any(ref not in parts for ref in refs):
                partly.add(task_id)
        return Seen(made, frozenset(partly))

    def read(self, references: Sequence[str]) -> Mapping[str, Json | None]:
        """Read many resources, a hundred in a batch; what can't be read is left out.

        Raises:
            Unavailable: the EHR does not answer.
        """
        found: dict[str, Json | None] = {}
        for start in range(0, len(references), AT_ONCE):
            some = references[start : start + AT_ONCE]
            ehr = self.ehr.ahead([reading(reference) for reference in some])
            for reference in some:
                try:
                    found[reference] = ehr.read(reference)
                except (FhirError, Unavailable) as error:
                    if isinstance(error, Unavailable) and not error.suspect:
                        raise
                    log.warning("%s can't be read for the worklist: %s", reference, error)
        return found


def _head(task: Json) -> list[tuple[Head, list[str]]]:
    """Return the head in a Task, and its parts; empty for others' Tasks."""
    try:
        head = head_of(task)
    except MALFORMED:
        return []
    try:
        return [(head, parts_of(head))]
    except MALFORMED:
        return [(head, [])]


def _entry(head: Head, parts: Sequence[Json]) -> Entry | None:
    """Make the entry of a head; without its parts, where one is not shaped as R4 says.

    A result that can't be summed up is listed all the same.
    """
    for known in (parts, ()):
        try:
            return entry_of(head, known)
        except MALFORMED as error:
            log.warning("%s can't be summed up: %s", head.reference, type(error).__name__)
    return None
