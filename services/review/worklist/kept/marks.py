"""Marks: the version of a resource that an entry was made from (pure).

The number alone does not tell it: it begins again at 1 where a resource was expunged and created
anew, and goes back where a backup was restored.
"""

from dataclasses import dataclass

from shared.answers import digest
from shared.instants import instant, parse, same_moment
from shared.json import Json
from shared.references import moment_of, version_of


@dataclass(frozen=True)
class Mark:
    """The identity of a version.

    Attributes:
        version: its number; of an EHR that keeps none, the digest of its content.
        time: an instant in UTC; empty where the EHR gives none.
    """

    version: str
    time: str

    def equals(self, other: "Mark | None") -> bool:
        """Tell whether both are of the same version."""
        return (
            other is not None
            and self.version == other.version
            and same_moment(self.time, other.time)
        )

    def is_after(self, known: "Mark | None") -> bool:
        """Tell whether it surely comes after the known one.

        False: it is the same, or older, or the two do not tell: only the EHR knows what stands.
        """
        if known is None:
            return True
        if self.time and known.time and not same_moment(self.time, known.time):
            return self.time > known.time
        both = self.version, known.version
        return all(n.isdecimal() for n in both) and int(self.version) > int(known.version)


def mark_of(resource: Json) -> Mark:
    """Return the mark of a resource as read."""
    content = {k: v for k, v in resource.items() if k != "meta"}
    return Mark(version_of(resource) or digest(content), utc(moment_of(resource)))


def utc(time: str) -> str:
    """Return the instant in UTC with milliseconds, to sort as text; empty for none."""
    try:
        return instant(parse(time))
    except (ValueError, OverflowError):
        return ""
