"""What was met at the EHR, settled into the index.

A version that is surely newer than the known one is written. Of any other the EHR is asked what
stands now, and that is believed: an index may be late, a resource may live again, a backup may
have been restored. What can't be read as a whole is looked at again later.
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

    def take(self, found: Met, *, again: bool = False) -> None:
        """Write what is surely newer; settle what is not.

        Args:
            again: what is known in this very version is made anew, too.
        """
        known = self.index.marks(found.ids)
        ended = {t for t in found.deletes if found.ended(t)}
        doubtful = [t for t in ended if t in known or t in found.standing]
        fresh = []
        for task_id, task in found.standing.items():
            mark, before = mark_of(task), known.get(task_id)
            is_known = mark.equals(before)
            if task_id in ended or (is_known and not again):
                continue
            if is_known or mark.is_after(before):
                fresh.append(task)
            else:
                doubtful.append(task_id)

        self._write(fresh, known)
        self.settle(doubtful)

    def settle(self, task_ids: Iterable[str], *, again: bool = False) -> None:
        """Ask the EHR what stands, and believe it.

        Args:
            again: these were doubted, so the known version counts for nothing.
        """
        ids = list(dict.fromkeys(task_ids))
        for start in range(0, len(ids), CHUNK):
            some = ids[start : start + CHUNK]
            known = self.index.marks(some)
            standing = self.looks.tasks(some)
            unread = {task_id for task_id in some if task_id not in standing}
            self.index.doubt(unread)

            gone = [t for t, task in standing.items() if task is None and t in known]
            unread |= self._apply(Change(task_id, None, known[task_id]) for task_id in gone)
            tasks = [task for task in standing.values() if task is not None]
            changed = [t for t in tasks if again or not mark_of(t).equals(known.get(t["id"]))]
            unread |= self._write(changed, known)
            if again:
                self.index.trust(set(some) - unread)

    def _write(self, tasks: Sequence[Json], known: Marks) -> set[str]:
        """Write these Tasks as they stand; return the ids to be looked at again."""
        unsure: set[str] = set()
        for start in range(0, len(tasks), CHUNK):
            some = tasks[start : start + CHUNK]
            seen = self.looks.entries(some)
            # first: a process that is killed here must not forget them
            self.index.doubt(seen.partly)
            self.people.meet(entry.subject for entry in seen.entries.values())
            made = [Change(t["id"], seen.entries.get(t["id"]), known.get(t["id"])) for t in some]
            # Others' Tasks are no entries, unless one was a head before.
            unsure |= seen.partly | self._apply(c for c in made if c.entry or c.instead_of)
        return unsure

    def _apply(self, changes: Iterable[Change]) -> set[str]:
        late = self.index.apply(changes)
        self.index.doubt(late)
        return late
