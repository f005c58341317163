"""The resources met in a history of one type: the newest version of each (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.review.worklist.kept.marks import mark_of, utc
from shared.ehr.client import Version
from shared.instants import now, same_moment
from shared.json import Json


@dataclass(frozen=True)
class Met:
    """What a history told.

    Attributes:
        standing: id -> the newest version met.
        deletes: id -> the time of its newest delete.
        times: id -> the time of the newest version met, in UTC.
        newest: the newest of all times that does not lie ahead of our clock; empty for none. An
            EHR whose clock jumped stamps versions with the future.
        newest_id: whose it is.
    """

    standing: Mapping[str, Json]
    deletes: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[str, str] = field(default_factory=dict)
    newest: str = ""
    newest_id: str = ""

    @property
    def ids(self) -> list[str]:
        """All of them."""
        return list(dict.fromkeys([*self.standing, *self.deletes]))

    def ended(self, id: str) -> bool:
        """Tell whether it may be deleted now.

        It may, where its newest version is not surely after each delete.
        """
        if id not in self.deletes:
            return False
        stands = mark_of(self.standing[id]).time if id in self.standing else ""
        return stands <= self.deletes[id] or same_moment(stands, self.deletes[id])

    def meets(self, id: str, at: str) -> bool:
        """Tell whether the version of this time was met, or a later one."""
        time = self.times.get(id, "")
        return id in self.deletes or bool(time and (time >= at or same_moment(time, at)))


def met_in(versions: Iterable[Version]) -> Met:
    """Collect the versions of a history, in any order."""
    standing: dict[str, Json] = {}
    deletes: dict[str, str] = {}
    times: dict[str, str] = {}
    newest, newest_id, until = "", "", now()
    for version in versions:
        id, time = version.reference.partition("/")[2], utc(version.time)
        times[id] = max(times.get(id, ""), time)
        if newest < time <= until:
            newest, newest_id = time, id
        if version.deleted:
            deletes[id] = max(deletes.get(id, ""), time)
        elif version.resource is not None and version.resource.get("id") == id:
            before = standing.get(id)
            if before is None or mark_of(version.resource).is_after(mark_of(before)):
                standing[id] = version.resource
    return Met(standing, deletes, times, newest, newest_id)


def met_in_search(found: Iterable[Json]) -> Met:
    """Return resources of a search as met.

    Of each the search may show an older version.
    """
    return Met({resource["id"]: resource for resource in found})
