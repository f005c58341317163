"""Signs of an EHR gone back in time: a restored backup.

What was changed after the backup stands there again as it was before, under the old instants,
which no sweep from its cursor meets. So suspicion is enough to look: the version that put the
cursor where it stands is not in the history any more, or a resource has a number that is not above
the one before it. Then the newest versions that we know are compared with what the EHR holds.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.intake.state import State
from services.intake.versions import utc
from shared.ehr.client import Ehr
from shared.errors import FhirError
from shared.events import ResourceEvent
from shared.instants import same_moment
from shared.references import version_of

log = logging.getLogger(__name__)
NOT_FOUND: Final = 404
"""It never was there. (What was deleted is 410.)"""


@dataclass
class Anchor:
    """The version at the cursor.

    A sweep that looks back from there meets it, or looks after it.

    HAPI does not date deletes: where one is the newest, the sweep meets it no more.

    Attributes:
        focus: of that version; None where none is known.
        time: its instant, where the cursor stands.
        was_met: it, or a later version of its resource, was met.
    """

    focus: str | None
    time: str
    was_met: bool = False

    def meets(self, focus: str, time: str, *, deleted: bool) -> None:
        """Take note of a version met by the sweep."""
        if focus == self.focus and (deleted or time >= self.time or same_moment(time, self.time)):
            self.was_met = True


def is_rewound(ehr: Ehr, state: State, kinds: Iterable[str]) -> bool:
    """Compare our newest versions with the EHR's.

    Raises:
        Unavailable: the EHR does not answer.
    """
    for kind in kinds:
        for known in state.newest(kind):
            if why := lost(ehr, known):
                log.warning("version %s of %s %s", known.version, known.focus, why)
                return True
    return False


def lost(ehr: Ehr, known: ResourceEvent | None) -> str | None:
    """Say why a known version counts as lost; None if nothing speaks for it."""
    if known is None:
        return None
    try:
        current = ehr.operation(known.focus, {})
    except FhirError as error:
        # where no history shows deletes, it may be one that was deleted and is 404
        is_known = known.action != "delete" and ehr.shows_deletes(known.type)
        is_lost = error.status == NOT_FOUND and is_known
        return "is not there, and was not deleted" if is_lost else None
    time = utc((current.get("meta") or {}).get("lastUpdated", ""))
    is_earlier = bool(time) and time < known.time and not same_moment(time, known.time)
    if known.action == "delete":
        # HAPI dates no delete, so its time may be late: a version after it has a higher number.
        is_earlier = is_earlier and _number(version_of(current)) < _number(known.version)
    return "gave way to an earlier one" if is_earlier else None


def _number(version: str) -> int:
    return int(version) if version.isdecimal() else 0
