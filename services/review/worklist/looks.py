"""Looks at the EHR for the index: Tasks as they stand, and the parts of heads."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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

    def entries(self, tasks: Iterable[Json]) -> Mapping[str, Entry]:
        """Make the entries of those Tasks that are heads, by id."""
        heads = [head for task in tasks if (head := _head(task))]
        parts = self.read(list(dict.fromkeys(ref for h in heads for ref in parts_of(h))))
        made = {}
        for head in heads:
            own = [part for ref in parts_of(head) if (part := parts.get(ref))]
            try:
                made[head.task["id"]] = entry_of(head, own)
            except MALFORMED as error:
                log.warning("%s can't be listed: %s", head.reference, type(error).__name__)
        return made

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


def _head(task: Json) -> Head | None:
    """Return the head in a Task; None where it is none of ours."""
    try:
        return head_of(task)
    except MALFORMED:
        return None
