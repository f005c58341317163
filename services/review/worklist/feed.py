"""The feed of the index: what the EHR says of our heads and their patients.

Each sweep reads what changed since the cursor. Servers show some writes late, so it looks back
behind its cursor; what was met before changes nothing.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final
from uuid import uuid4

from services.review.worklist.index import Index
from services.review.worklist.kept.marks import utc
from services.review.worklist.met import Met, met_in, met_in_search
from services.review.worklist.settle import CHUNK, Settling
from shared.ehr.client import Ehr
from shared.errors import REFUSED, CareloopError, FhirError, Unavailable
from shared.fhir import codes
from shared.instants import instant, now, parse
from shared.json import Json
from shared.references import moment_of
from shared.web.logs import trace

log = logging.getLogger(__name__)
SWEEP_SEC: Final = 5.0
OVERLAP: Final = timedelta(seconds=30)
"""HAPI shows a big transaction up to 1 s late, others some seconds."""
SKEW: Final = timedelta(minutes=5)
"""How far the EHR's clock may differ from ours when a rebuild begins."""
FULL: Final = timedelta(hours=1)
"""Where no history shows deletes, everything is looked at so often."""
LEASE_SEC: Final = 30.0
BEGINNING: Final = "1970-01-01T00:00:00Z"
Progress = Callable[[int], None]
"""Called with the number of heads met so far."""


def silent(_: int) -> None:
    """Report no progress."""


class Feed:
    """Keeps an index up to date. Any thread may call it.

    Args:
        stop: set to end `run`, and a rebuild on the way.
    """

    def __init__(self, ehr: Ehr, index: Index, stop: threading.Event | None = None) -> None:
        self.index = index
        self.stop = stop or threading.Event()
        self._ehr = ehr
        self._settling = Settling.at(ehr, index)
        self._holder = uuid4().hex
        self._is_running = False
        self._is_behind = False
        self._sweeping = threading.Lock()

    # --- when

    def run(self) -> None:
        """Sweep until `stop`, unless another process does."""
        self._is_running = True
        while not self.stop.is_set():
            try:
                if self._holds():
                    self.sweep()
            except CareloopError as error:
                self._is_behind = True
                marks = error.outage if isinstance(error, Unavailable) else {}
                log.warning("the worklist is not up to date: %s", error, extra=marks)
            except Exception as error:  # whatever it was: the page says how old the list is
                self._is_behind = True
                place = {"traceback": trace(error)}
                log.error("the worklist: unexpected %s", type(error).__name__, extra=place)
            self.stop.wait(SWEEP_SEC)

    def refresh(self) -> None:
        """Sweep now, where no thread does: the pages of an app that was mounted elsewhere.

        Raises:
            Unavailable: the EHR does not answer.
        """
        if not self._is_running:
            self.sweep()

    def sweep(self) -> None:
        """Bring the index up to date; build it first, if it never was complete."""
        with self._sweeping:
            self.index.reopen_if_lost()
            if self.index.fact("complete") is None or self._is_due():
                self._rebuild(silent)
            else:
                self._follow()
            self.index.note(swept=now())
        if self._is_behind:
            log.warning("the worklist is up to date again", extra={"back": "ehr"})
        self._is_behind = False

    def rebuild(self, progress: Progress = silent) -> int:
        """Build the index anew from the EHR; return the number of heads.

        What is in it stays until the EHR says otherwise.
        """
        with self._sweeping:
            self.index.note(complete=None)
            self._rebuild(progress)
            self.index.note(swept=now())
        return len(self.index.tasks())

    def close(self) -> None:
        """End `run`, and close the index."""
        self.stop.set()
        with self._sweeping:
            self.index.close()

    def look(self, task_id: str) -> None:
        """Look at one head now: somebody just wrote it.

        It never fails: what was written stands, and the next sweep finds it.
        """
        try:
            self._settling.settle([task_id])
        except CareloopError as error:
            log.warning("the worklist learns of Task/%s a little later: %s", task_id, error)

    def _holds(self) -> bool:
        return self.index.lease(self._holder, time.time() + LEASE_SEC, time.time())

    def _is_due(self) -> bool:
        """Tell whether it is time to look at everything again.

        An EHR without the history of a type tells no deletes.
        """
        if self._ehr.shows_deletes("Task"):
            return False
        last = self.index.fact("complete")
        return last is not None and parse(last) + FULL < datetime.now(UTC)

    # --- what changed

    def _follow(self) -> None:
        cursor = self.index.fact("cursor") or instant(datetime.now(UTC) - SKEW)
        found = met_in(self._ehr.history("Task", _behind(cursor)))
        if self._is_rewound(found):
            log.error("the EHR went back in time (a restored backup?): the worklist is built anew")
            self.index.note(complete=None)
            self._rebuild(silent)
            return

        self._settling.take(found)
        self._follow_people()
        if found.newest > cursor:
            self.index.note(cursor=found.newest, anchor=f"{found.newest_task} {found.newest}")

    def _follow_people(self) -> None:
        cursor = self.index.fact("people") or instant(datetime.now(UTC) - SKEW)
        newest = self._settling.people.follow(_behind(cursor))
        if newest > cursor:
            self.index.note(people=newest)

    def _is_rewound(self, found: Met) -> bool:
        """Tell whether the version at the cursor is gone.

        A sweep looks back behind its cursor, so it meets that version, or a later one.
        """
        task, _, at = (self.index.fact("anchor") or "").partition(" ")
        if not task or found.meets(task, at) or not self._ehr.shows_deletes("Task"):
            return False
        stands = self._ehr.look_up(f"Task/{task}")
        if stands == "deleted":
            return False
        return stands is None or utc(moment_of(stands)) < at

    # --- everything

    def _rebuild(self, progress: Progress) -> None:
        began = now()
        met: dict[str, str] = {}
        for chunk in _chunks(self._heads()):
            self._go_on()
            self._settling.take(met_in_search(chunk))
            met |= {task["id"]: utc(moment_of(task)) for task in chunk}
            progress(len(met))

        self._settling.settle(self.index.tasks() - met.keys())
        self._settling.people.renew()
        self._begin_at(instant(parse(began) - SKEW), met)
        self.index.note(complete=began)

    def _begin_at(self, latest: str, met: dict[str, str]) -> None:
        """Set the cursors: sweeps go on from here."""
        task, time = max(met.items(), key=lambda item: item[1], default=("", ""))
        is_quiet = "" < time <= latest
        self.index.note(
            cursor=time if is_quiet else latest,
            anchor=f"{task} {time}" if is_quiet else None,
            people=latest,
        )

    def _heads(self) -> Iterator[Json]:
        """Yield all our heads.

        The newest come first: what is written meanwhile moves to pages that were read, and hides
        nothing on those to come.
        """
        # a list: any value of the system fits
        params = {"identifier": [f"{codes.REVISION}|"], "_sort": "-_lastUpdated"}
        try:
            yield from self._ehr.search("Task", params)
        except FhirError as error:
            if error.status not in REFUSED:
                raise
            yield from _standing(self._ehr, BEGINNING)

    def _go_on(self) -> None:
        if self.stop.is_set():
            raise Unavailable("review", "it is stopping")
        if self._is_running:
            self._holds()


def _standing(ehr: Ehr, since: str) -> Iterable[Json]:
    """Return the newest versions in the history of Task, but of those with a delete."""
    found = met_in(ehr.history("Task", since))
    return [task for task_id, task in found.standing.items() if task_id not in found.deleted]


def _chunks(tasks: Iterator[Json]) -> Iterator[list[Json]]:
    while chunk := list(islice(tasks, CHUNK)):
        yield chunk


def _behind(cursor: str) -> str:
    """Return the instant from which on to look again.

    A cursor in the future would hide all since.
    """
    return instant(min(parse(cursor), datetime.now(UTC)) - OVERLAP)
