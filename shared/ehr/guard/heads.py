"""The heads of an answer: read by id, and found by search.

Where the EHR lets us choose the id of a head, it is read by that id, since an index may be behind
the writes. A search finds the heads of an EHR that does not, and those of former versions of
careloop. There the heads that this process began are read by id, too.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final
from uuid import UUID

from shared.answers import Answer, Head
from shared.ehr.ahead import Question, reading, searching
from shared.fhir import codes
from shared.fhir.heads import head_of, is_head
from shared.json import Json
from shared.references import local_reference

if TYPE_CHECKING:
    from shared.ehr.client import Ehr

AT_ONCE: Final = 2
"""Revisions that are read together: one that is closed, and the one that it may be followed by."""
REMEMBERED: Final = 10_000


class Known:
    """Heads met by this process, by answer: `Task/id` each.

    Safe to share between threads.
    """

    def __init__(self) -> None:
        self._of: OrderedDict[UUID, tuple[str, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, answer: Answer, reference: str) -> None:
        """Remember a head."""
        with self._lock:
            others = (r for r in self._of.pop(answer.uuid, ()) if r != reference)
            self._of[answer.uuid] = (*others, reference)
            if len(self._of) > REMEMBERED:
                self._of.popitem(last=False)

    def of(self, answer: Answer) -> Sequence[str]:
        """Return those of the answer."""
        with self._lock:
            return self._of.get(answer.uuid, ())


@dataclass(frozen=True)
class Memory:
    """What a process remembers of heads.

    Attributes:
        begun: those that it made under ids of the EHR.
        deleted: those of our ids that somebody deleted. Such an id is used up: under a guard that
            creates and never replaces, HAPI refuses it for ever.
    """

    begun: Known = field(default_factory=Known)
    deleted: Known = field(default_factory=Known)


def questions(ehr: "Ehr", answer: Answer) -> list[Question]:
    """List the first questions of `heads`."""
    own = [_reference(answer, n) for n in range(1, AT_ONCE + 1)] if _chooses_ids(ehr) else []
    own += ehr.memory.begun.of(answer)
    return [searching_all(answer), *map(reading, own)]


def heads(ehr: "Ehr", answer: Answer) -> list[Head]:
    """Read the heads of all revisions of an answer."""
    found = list(_found(ehr, answer))
    newest = max((head_of(task).revision for task in found), default=1)

    by_id = [*_by_id(ehr, answer, newest), *map(ehr.read, ehr.memory.begun.of(answer))]
    tasks = {local_reference(t): t for t in [*found, *by_id] if t is not None}
    return [head_of(task) for task in tasks.values() if is_head(task, answer)]


def twins(ehr: "Ehr", answer: Answer, head: Head) -> list[Head]:
    """Find other heads of this head's revision, at an EHR with ids of its own."""
    found = map(head_of, _found(ehr, answer))
    return [h for h in found if h.revision == head.revision and h.reference != head.reference]


def searching_all(answer: Answer) -> Question:
    """Return the search of `heads` and `twins`."""
    return searching("Task", _query(answer))


def _found(ehr: "Ehr", answer: Answer) -> Iterator[Json]:
    return (t for t in ehr.search("Task", _query(answer)) if is_head(t, answer))


def _by_id(ehr: "Ehr", answer: Answer, newest: int) -> Iterator[Json]:
    """Yield the newest Tasks of the ids of our choice.

    Args:
        newest: the newest revision that a search shows (1 for none). It may have an id of the EHR,
            and an index that is late may hide those after it.
    """
    if not _chooses_ids(ehr):
        return
    if newest > 1:
        next_ones = range(newest, newest + AT_ONCE)
        ehr = ehr.ahead([reading(_reference(answer, n)) for n in next_ones])

    for revision in count(newest):
        reference = _reference(answer, revision)
        found = ehr.look_up(reference)
        if isinstance(found, dict):
            yield found
        elif found == "deleted":
            ehr.memory.deleted.add(answer, reference)
        elif revision > newest:
            return


def next_revision(ehr: "Ehr", answer: Answer, head: Head | None) -> int:
    """Return the first unused revision after this head (None: of all)."""
    first = head.revision + 1 if head else 1
    used_up = ehr.memory.deleted.of(answer)
    return next(n for n in count(first) if _reference(answer, n) not in used_up)


def _chooses_ids(ehr: "Ehr") -> bool:
    return ehr.abilities.create_guard is not None


def _reference(answer: Answer, revision: int) -> str:
    return f"Task/{answer.head_id(revision)}"


def _query(answer: Answer) -> dict[str, str]:
    return {"identifier": f"{codes.ANSWER}|{answer.uuid}"}
