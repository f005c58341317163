"""The former version of a resource, known to the EHR alone."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from services.intake.changes import Former
from services.intake.known.marks import Mark, mark_of
from services.intake.state import State
from services.intake.versions import MALFORMED, event_of_version, utc
from services.intake.watched import Watch
from shared.ehr.client import Ehr, Version
from shared.errors import CareloopError, FhirError, Unavailable
from shared.events import ResourceEvent
from shared.references import version_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FormerVersions:
    """Looks up the version before a change: first in our state, then at the EHR."""

    ehr: Ehr
    state: State
    watch: Watch

    def of(self, events: Sequence[ResourceEvent]) -> Former:
        """Return the versions without a subject in our state.

        Args:
            events: in the order of writing.

        Raises:
            Unavailable: the EHR does not answer, and it is not this resource's fault.
        """
        former: dict[tuple[str, Mark], ResourceEvent | None] = {}
        known: dict[str, str | None] = {}
        for event in events:
            before = known.get(event.focus)
            if not before and _may_name_another(event):
                last = self.state.last(event.focus)
                before = last.subject if last else None
                is_known = last is not None or event.focus in known
                if not before and self._is_asked(event, is_known=is_known):
                    found = former[event.focus, mark_of(event)] = self._at_ehr(event)
                    before = found.subject if found else None
            known[event.focus] = event.subject or before
        return former

    def _is_asked(self, event: ResourceEvent, *, is_known: bool) -> bool:
        """Tell whether to ask the EHR: of a delete, and of a forgotten change.

        In a first sweep nobody was told of that version, or it is of the same sweep and names its
        patient itself. (See `State.counted`.) A Patient may have been merged before we began.
        """
        if event.action == "delete":
            return True
        swept_before = self.state.counted and self.state.cursor(event.type) is not None
        may_matter = self.watch.is_passing(event) or event.type == "Patient"
        return not is_known and swept_before and may_matter

    def _at_ehr(self, event: ResourceEvent) -> ResourceEvent | None:
        """Read the version before; None if the EHR does not show it."""
        try:
            resource = self.ehr.operation(f"{event.focus}/_history/{int(event.version) - 1}", {})
            time = utc((resource.get("meta") or {}).get("lastUpdated", ""))
            found = event_of_version(
                Version(event.focus, version_of(resource), time, False, resource)
            )
        except (FhirError, Unavailable, *MALFORMED) as error:
            if isinstance(error, Unavailable) and not error.suspect:
                raise
            level = logging.WARNING if event.action == "delete" else logging.DEBUG
            why = error if isinstance(error, CareloopError) else type(error).__name__
            log.log(level, "nobody knows the former version of %s: %s", event.focus, why)
            return None
        if found.time and event.time and found.time > event.time:
            log.warning("the version before that of %s is of a later life of it", event.focus)
            return None
        return found


def _may_name_another(event: ResourceEvent) -> bool:
    """Tell whether a version before it may name another subject.

    A delete that names its own has none to look for.
    """
    if not event.version.isdecimal() or int(event.version) < 2:
        return False
    return event.action != "delete" or not event.subject
