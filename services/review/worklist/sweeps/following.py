"""Follows what changes at the EHR: the histories of Task and Patient."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.review.worklist.index import Index
from services.review.worklist.settle import Settling
from services.review.worklist.sweeps.cursor import Cursor


@dataclass(frozen=True)
class Following:
    """Follows one EHR."""

    index: Index
    settling: Settling
    heads: Cursor
    people: Cursor

    @property
    def cursors(self) -> Sequence[Cursor]:
        """Both of them."""
        return (self.heads, self.people)

    def follow(self) -> bool:
        """Bring the index up to date; what was met before changes nothing.

        Returns:
            False: the EHR went back in time, and nothing was done.
        """
        found = [cursor.meet() for cursor in self.cursors]
        if any(c.is_rewound(met) for c, met in zip(self.cursors, found, strict=True)):
            return False
        heads, people = found
        self.settling.settle(self.index.doubts(), again=True)
        self.settling.take(heads)
        self.settling.people.follow(people)
        for cursor, met in zip(self.cursors, found, strict=True):
            cursor.move(met)
        return True
