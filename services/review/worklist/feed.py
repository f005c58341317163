"""The feed of the index: what the EHR says of our heads and their patients.

One process feeds an index at a time, whatever shares its file.
"""

import logging
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from services.review.worklist.index import Index
from services.review.worklist.settle import Settling
from services.review.worklist.sweeps.building import Building, Progress
from services.review.worklist.sweeps.cursor import Cursor
from services.review.worklist.sweeps.following import Following
from shared.ehr.client import Ehr
from shared.errors import CareloopError, Unavailable
from shared.instants import now, parse
from shared.web.logs import trace

log = logging.getLogger(__name__)
SWEEP_SEC: Final = 5.0
FULL: Final = timedelta(hours=1)
"""Where no history shows deletes, everything is looked at so often."""
LEASE_SEC: Final = 30.0


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
        heads, people = (Cursor(ehr, index, kind) for kind in ("Task", "Patient"))
        self._following = Following(index, self._settling, heads, people)
        self._building = Building(ehr, self._following)
        self._holder = uuid4().hex
        self._is_running = False
        self._is_behind = False
        self._sweeping = threading.Lock()

    def reserve(self) -> None:
        """Leave all sweeps to `run`, which may begin later."""
        self._is_running = True

    def run(self) -> None:
        """Sweep until `stop`, unless another process does."""
        self.reserve()
        while not self.stop.is_set():
            try:
                self._take_turn()
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
            Unavailable: the EHR does not answer, and the index was never complete.
        """
        if self._is_running:
            return
        try:
            self.sweep()
        except Unavailable as error:
            if not self._is_complete():
                raise
            # the page says how old the list is
            self._is_behind = True
            log.warning("the worklist is not up to date: %s", error, extra=error.outage)

    def sweep(self) -> None:
        """Bring the index up to date; build it first, if it never was complete."""
        with self._sweeping:
            if not self.stop.is_set():
                self._sweep()

    def rebuild(self, progress: Progress = silent) -> int:
        """Build the index anew from the EHR; return the number of heads.

        Whoever feeds the file now waits until this is done.
        """
        with self._sweeping:
            self._holds(by_force=True)
            try:
                self.index.note(complete=None)
                self._build(progress, again=True)
                self.index.note(swept=now())
            finally:
                self._release()
        return len(self.index.tasks())

    def close(self) -> None:
        """End `run`, let another process go on, and close the index."""
        self.stop.set()
        with self._sweeping:
            if self._is_running:
                self._release()
            self.index.close()

    def look(self, task_id: str) -> None:
        """Look at one head now: somebody just wrote it.

        It never fails: what was written stands, and the next sweep finds it.
        """
        try:
            self._settling.settle([task_id])
        except CareloopError as error:
            log.warning("the worklist learns of Task/%s a little later: %s", task_id, error)

    def _take_turn(self) -> None:
        """Sweep, unless another process does; the lease is not taken again after `close`."""
        with self._sweeping:
            if not self.stop.is_set() and self._holds():
                self._sweep()

    def _sweep(self) -> None:
        if not self._is_complete() or self._is_due():
            self._build(silent)
        elif not self._following.follow():
            log.error("the EHR went back in time (a restored backup?): all is built anew")
            self.index.note(complete=None)
            self._build(silent)
        self.index.note(swept=now())
        if self._is_behind:
            log.warning("the worklist is up to date again", extra={"back": "ehr"})
        self._is_behind = False

    def _build(self, progress: Progress, *, again: bool = False) -> None:
        def going_on(count: int) -> None:
            if self.stop.is_set():
                raise Unavailable("review", "it is stopping")
            if (again or self._is_running) and not self._holds(by_force=again):
                raise Unavailable("review", "another process feeds the worklist now")
            progress(count)

        # entries of another EHR are none of this one's
        is_other = self.index.fact("ehr") not in (None, self._ehr.base)
        if is_other:
            self.index.note(complete=None)
        self.index.note(ehr=self._ehr.base)
        self._building.build(going_on, again=again or is_other)

    def _holds(self, *, by_force: bool = False) -> bool:
        until = time.time() + LEASE_SEC
        return self.index.lease(self._holder, until, time.time(), by_force=by_force)

    def _release(self) -> None:
        with suppress(CareloopError):  # else it ends by its time
            self.index.release(self._holder)

    def _is_complete(self) -> bool:
        is_own = self.index.fact("ehr") == self._ehr.base
        return is_own and self.index.fact("complete") is not None

    def _is_due(self) -> bool:
        """Tell whether it is time to look at everything again.

        An EHR without the history of a type tells no deletes.
        """
        if all(self._ehr.shows_deletes(kind) for kind in ("Task", "Patient")):
            return False
        last = self.index.fact("complete")
        return last is not None and parse(last) + FULL < datetime.now(UTC)
