"""What was met at the EHR, settled into the index.

A version that is surely newer than the known one is written. Of any other the EHR is asked what
stands now, and that is believed: an index may be late, a resource may live again, a backup may
have been restored.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from services.review.worklist.index import Index
from services.review.worklist.kept.marks import Mark, mark_of
from services.review.worklist.kept.rows import Change
from services.review.worklist.looks import Looks
from services.review.worklist.met import Met
from services.review.worklist.people import People
from shared.ehr.client import Ehr
from shared.json import Json

CHUNK: Final = 200
Marks = Mapping[str, Mark]
"""Task id -> the mark known to the index."""


@dataclass(frozen=True)
class Settling:
    """Settles Tasks into an index."""

    index: Index
    looks: Looks
    people: People

    @classmethod
    def at(cls, ehr: Ehr, index: Index) -> Self:
        """Return one that asks this EHR."""
        return cls(index, Looks(ehr), People(ehr, index))

    def take(self, found: Met) -> None:
        """Write what is surely newer; settle what is not."""
        known = self.index.marks(found.tasks)
        doubtful = [t for t in found.deleted if t in known or t in found.standing]
        fresh = []
        for task_id, task in found.standing.items():
            mark, before = mark_of(task), known.get(task_id)
            if task_id in found.deleted or mark.equals(before):
                continue
            if mark.is_after(before):
                fresh.append(task)
            else:
                doubtful.append(task_id)

        self._write(fresh, known)
        self.settle(doubtful)

    def settle(self, task_ids: Iterable[str]) -> None:
        """Ask the EHR what stands, and believe it."""
        ids = list(dict.fromkeys(task_ids))
        for start in range(0, len(ids), CHUNK):
            known = self.index.marks(ids[start : start + CHUNK])
            standing = self.looks.tasks(ids[start : start + CHUNK])
            gone = [t for t, task in standing.items() if task is None and t in known]
            self.index.apply(Change(task_id, None, known[task_id]) for task_id in gone)

            tasks = [task for task in standing.values() if task is not None]
            self._write([t for t in tasks if not mark_of(t).equals(known.get(t["id"]))], known)

    def _write(self, tasks: Sequence[Json], known: Marks) -> None:
        for start in range(0, len(tasks), CHUNK):
            some = tasks[start : start + CHUNK]
            entries = self.looks.entries(some)
            self.people.meet(entry.subject for entry in entries.values())
            changes = [Change(t["id"], entries.get(t["id"]), known.get(t["id"])) for t in some]
            # Others' Tasks are no entries, unless one was a head before.
            self.index.apply(c for c in changes if c.entry or c.instead_of)
