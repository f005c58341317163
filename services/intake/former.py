"""Whom a resource was about before, where only the EHR knows."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.intake.state import State
from services.intake.watched import Watch
from shared.ehr.client import Ehr
from shared.errors import FhirError, Unavailable
from shared.events import ResourceEvent
from shared.references import subject_of

log = logging.getLogger(__name__)
Former = Mapping[tuple[str, str], str | None]
"""(focus, version) -> the subject before."""


@dataclass(frozen=True)
class FormerSubjects:
    """Looks up subjects before a change: first in our state, then at the EHR."""

    ehr: Ehr
    state: State
    watch: Watch

    def of(self, events: Sequence[ResourceEvent]) -> Former:
        """Return the subjects that our state does not tell, in order of writing.

        Raises:
            Unavailable: the EHR does not answer, and it is not this resource's fault.
        """
        former: dict[tuple[str, str], str | None] = {}
        known: dict[str, str | None] = {}
        for event in events:
            before = known.get(event.focus)
            if not before and _may_name_another(event):
                last = self.state.last(event.focus)
                before = last.subject if last else None
                if not before:
                    is_known = last is not None or event.focus in known
                    before = self._at_ehr(event, is_known=is_known)
                    former[event.focus, event.version] = before
            known[event.focus] = event.subject or before
        return former

    def _at_ehr(self, event: ResourceEvent, *, is_known: bool) -> str | None:
        """Read the version before: of a delete, and of a change that we know no longer.

        In a first sweep nobody was told of that version, or it is of the same sweep and names its
        patient itself. (See `State.counted`.)
        """
        if event.action != "delete" and (is_known or not self._was_forgotten(event)):
            return None
        try:
            return subject_of(
                self.ehr.operation(f"{event.focus}/_history/{int(event.version) - 1}", {})
            )
        except (FhirError, Unavailable) as error:
            if isinstance(error, Unavailable) and not error.suspect:
                raise
            level = logging.WARNING if event.action == "delete" else logging.DEBUG
            log.log(level, "nobody knows the former subject of %s: %s", event.focus, error)
            return None

    def _was_forgotten(self, event: ResourceEvent) -> bool:
        """Tell whether it was swept, and is of those kept for a short time."""
        swept_before = self.state.counted and self.state.cursor(event.type) is not None
        return swept_before and self.watch.is_passing(event)


def _may_name_another(event: ResourceEvent) -> bool:
    """Tell whether a version before it may name another subject.

    A delete that names its own has none to look for.
    """
    if not event.version.isdecimal() or int(event.version) < 2:
        return False
    return event.action != "delete" or not event.subject
