"""What tells one version of a resource from every other one (pure).

The number alone does not: it begins again at 1 where a resource was expunged and created anew, and
goes back where a backup was restored.
"""

from dataclasses import dataclass

from shared.events import ResourceEvent
from shared.instants import same_moment


@dataclass(frozen=True)
class Mark:
    """The identity of a version: its number and its time.

    Attributes:
        version: as the EHR wrote it; empty where it keeps none.
        time: an instant in UTC; empty where the EHR gives none.
        deleted: of a delete the number alone counts. Some EHRs do not date it, and its time is
            another one in each answer.
    """

    version: str
    time: str
    deleted: bool = False

    def equals(self, other: "Mark") -> bool:
        """Tell whether both are of the same version."""
        if (self.version, self.deleted) != (other.version, other.deleted):
            return False
        return self.deleted or same_moment(self.time, other.time)

    def ends(self, other: "Mark") -> bool:
        """Tell whether this delete may end the life of the other's resource."""
        if not self.deleted or other.deleted:
            return False
        if self.version.isdecimal() and other.version.isdecimal():
            return int(self.version) > int(other.version)
        return not self.version


def mark_of(event: ResourceEvent) -> Mark:
    """Return the mark of the event's version."""
    return Mark(event.version, event.time, event.action == "delete")


def is_suspect(known: ResourceEvent | None, event: ResourceEvent) -> bool:
    """Tell whether this version's number is not above the one before it.

    A resource that was deleted may begin again. An older version that comes late is no sign.
    """
    if known is None or "delete" in (known.action, event.action) or event.time <= known.time:
        return False
    if mark_of(known).equals(mark_of(event)):
        return False
    numbers = known.version, event.version
    return all(n.isdecimal() for n in numbers) and int(event.version) <= int(known.version)
