"""The Tasks met in a history: the newest version of each (pure)."""

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
        standing: Task id -> the newest version met.
        deleted: ids of those with a delete among their versions.
        times: Task id -> the time of the newest version met, in UTC.
        newest: the newest of all times that does not lie ahead of our clock; empty for none. An
            EHR whose clock jumped stamps versions with the future.
        newest_task: whose it is.
    """

    standing: Mapping[str, Json]
    deleted: frozenset[str] = frozenset()
    times: Mapping[str, str] = field(default_factory=dict)
    newest: str = ""
    newest_task: str = ""

    @property
    def tasks(self) -> list[str]:
        """All ids."""
        return list(dict.fromkeys([*self.standing, *self.deleted]))

    def meets(self, task: str, at: str) -> bool:
        """Tell whether the version of this time was met, or a later one."""
        time = self.times.get(task, "")
        return task in self.deleted or bool(time and (time >= at or same_moment(time, at)))


def met_in(versions: Iterable[Version]) -> Met:
    """Collect the versions of a history, in any order."""
    standing: dict[str, Json] = {}
    deleted: set[str] = set()
    times: dict[str, str] = {}
    newest, newest_task, until = "", "", now()
    for version in versions:
        task, time = version.reference.partition("/")[2], utc(version.time)
        times[task] = max(times.get(task, ""), time)
        if newest < time <= until:
            newest, newest_task = time, task
        if version.deleted:
            deleted.add(task)
        elif version.resource is not None and version.resource.get("id") == task:
            before = standing.get(task)
            if before is None or mark_of(version.resource).is_after(mark_of(before)):
                standing[task] = version.resource
    return Met(standing, frozenset(deleted), times, newest, newest_task)


def met_in_search(tasks: Iterable[Json]) -> Met:
    """Return Tasks of a search as met; of each the search may show an older version."""
    return Met({task["id"]: task for task in tasks})
