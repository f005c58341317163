"""Cursors: how far an index has followed the history of a type at the EHR.

Servers show some writes late, so each look goes a while back behind its cursor.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from services.review.worklist.index import Index
from services.review.worklist.kept.marks import utc
from services.review.worklist.met import Met, met_in
from shared.ehr.client import Ehr
from shared.instants import instant, parse
from shared.references import moment_of

OVERLAP: Final = timedelta(seconds=30)
"""HAPI shows a big transaction up to 1 s late, others some seconds."""
SKEW: Final = timedelta(minutes=5)
"""How far the EHR's clock may differ from ours when an index begins."""


@dataclass(frozen=True)
class Cursor:
    """The cursor of one type, kept as facts of the index.

    Its anchor is the version that stood at it, or before it: while that stands, the EHR did not go
    back in time.
    """

    ehr: Ehr
    index: Index
    kind: str

    def meet(self) -> Met:
        """Read what changed since a while before it."""
        return met_in(self.ehr.history(self.kind, _behind(self._at())))

    def is_rewound(self, found: Met) -> bool:
        """Tell whether the version at the anchor is gone: a backup was restored.

        Args:
            found: what was met since the cursor.
        """
        id, _, at = (self.index.fact(f"{self.kind} anchor") or "").partition(" ")
        if not id or found.meets(id, at) or not self.ehr.shows_deletes(self.kind):
            return False
        stands = self.ehr.look_up(f"{self.kind}/{id}")
        if stands == "deleted":
            return False
        return stands is None or utc(moment_of(stands)) < at

    def move(self, found: Met) -> None:
        """Go on to the newest that was met."""
        if found.newest > self._at():
            self.begin_at(found.newest, found.newest_id, found.newest)

    def begin_at(self, time: str, id: str, at: str) -> None:
        """Set it.

        Args:
            id, at: of the anchor; empty where there is none.
        """
        anchor = f"{id} {at}" if id and at else None
        self.index.note(**{f"{self.kind} cursor": time, f"{self.kind} anchor": anchor})

    def _at(self) -> str:
        return self.index.fact(f"{self.kind} cursor") or instant(datetime.now(UTC) - SKEW)


def _behind(cursor: str) -> str:
    """Return the instant from which on to look again.

    A cursor in the future would hide all since.
    """
    return instant(min(parse(cursor), datetime.now(UTC)) - OVERLAP)
