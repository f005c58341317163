"""Marks: a notification marks its type, and one sweeper per type reads it.

However many notifications come while it reads, one more sweep follows. Each is acknowledged when a
sweep that began after its mark has published. A sweeper lives as long as its type is marked, so
there are never more than types.
"""

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.intake.sweep import GLANCE, Sweep
from shared.errors import CareloopError, FhirError, Unavailable
from shared.references import type_of
from shared.web.logs import trace

log = logging.getLogger(__name__)
WAIT_SEC: Final = 5.0


@dataclass
class Lane:
    """The marks of one type.

    Attributes:
        marked: how many marks were set.
        served: up to which mark all is published.
        failed: up to which mark a sweeper failed, and `why`.
        foci: named by marks, and not read yet -> when they were named; monotonic seconds.
        sweeps_type: a mark names no focus.
        sweeper: the thread that is at work; None while there is nothing to do.
    """

    changed: threading.Condition = field(default_factory=threading.Condition)
    marked: int = 0
    served: int = 0
    failed: int = 0
    why: str = ""
    foci: dict[str, float] = field(default_factory=dict)
    sweeps_type: bool = False
    sweeper: threading.Thread | None = None

    def is_settled(self, mark: int) -> bool:
        """Tell whether a sweeper got past the mark, with success or without."""
        return max(self.served, self.failed) >= mark


@dataclass(frozen=True)
class Marked:
    """The marks of all types, and their sweepers."""

    sweep: Sweep
    wait_sec: float = WAIT_SEC
    _lanes: dict[str, Lane] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def kind(self, kind: str, foci: Iterable[str] = ()) -> None:
        """Have the type swept, and these foci read; return when both are published.

        Raises:
            Unavailable: they are not within 5 s. The marks stay, for the next notification; the
                regular sweep does not wait for one.
        """
        self._wait([(self._lane(kind), self._mark(kind, ())), *self._mark_each(foci)])

    def foci(self, foci: Iterable[str]) -> None:
        """Have these foci read; return when they are published.

        Raises:
            Unavailable: see `kind`.
        """
        self._wait(self._mark_each(foci))

    def close(self, timeout_sec: float) -> None:
        """Wait for the sweepers; the sweep was told to stop."""
        for lane in list(self._lanes.values()):
            if sweeper := lane.sweeper:
                sweeper.join(timeout_sec)

    def _mark_each(self, foci: Iterable[str]) -> list[tuple[Lane, int]]:
        """Mark all foci of a type at once, so that one search finds them."""
        by_kind: dict[str, list[str]] = {}
        for focus in foci:
            by_kind.setdefault(type_of(focus), []).append(focus)
        watched = self.sweep.publisher.watch.swept
        return [
            (self._lane(k), self._mark(k, named)) for k, named in by_kind.items() if k in watched
        ]

    def _mark(self, kind: str, foci: Sequence[str]) -> int:
        """Set a mark that names these foci, or none: then the type is swept."""
        lane = self._lane(kind)
        with lane.changed:
            lane.marked += 1
            lane.sweeps_type = lane.sweeps_type or not foci
            lane.foci |= dict.fromkeys(foci, time.monotonic())
            if lane.sweeper is None:
                lane.sweeper = threading.Thread(
                    target=self._work, args=(kind, lane), name=f"sweep-{kind}", daemon=True
                )
                lane.sweeper.start()
            return lane.marked

    def _lane(self, kind: str) -> Lane:
        with self._lock:
            return self._lanes.setdefault(kind, Lane())

    def _wait(self, marks: Sequence[tuple[Lane, int]]) -> None:
        deadline = time.monotonic() + self.wait_sec
        for lane, mark in marks:
            with lane.changed:
                left = max(0.0, deadline - time.monotonic())
                if not lane.changed.wait_for(lambda: lane.is_settled(mark), left):  # noqa: B023
                    raise Unavailable("intake", "the sweep takes longer; it goes on")
                if lane.served < mark:
                    raise Unavailable("intake", lane.why)

    def _work(self, kind: str, lane: Lane) -> None:
        """Read until no mark is left, or one reading fails."""
        while True:
            with lane.changed:
                if lane.served == lane.marked:
                    lane.sweeper = None
                    return
                mark, foci, sweeps_type = lane.marked, lane.foci, lane.sweeps_type
                lane.foci, lane.sweeps_type = {}, False
            why = self._read(kind, self._unswept(kind, foci), sweeps_type=sweeps_type)
            with lane.changed:
                if why:
                    # the marks stay for whoever marks next
                    lane.foci = foci | lane.foci
                    lane.sweeps_type = lane.sweeps_type or sweeps_type
                    lane.failed, lane.why, lane.sweeper = lane.marked, why, None
                else:
                    lane.served = mark
                lane.changed.notify_all()
            if why:
                return

    def _unswept(self, kind: str, foci: Mapping[str, float]) -> list[str]:
        """Leave out what a sweep has published for sure.

        It began `GLANCE` after the mark: an earlier one may not have been shown what was named.
        """
        swept = self.sweep.swept.get(kind, 0.0) - GLANCE.total_seconds()
        return [focus for focus, named in foci.items() if named > swept]

    def _read(self, kind: str, foci: list[str], *, sweeps_type: bool) -> str | None:
        """Sweep, and read what is named; return why it failed."""
        try:
            if sweeps_type:
                self.sweep.glance(kind)
            self._read_named(foci)
        except CareloopError as error:
            self.sweep.publisher.health.put_off(f"what notifications of {kind} told is", error)
            return str(error)
        except Exception as error:  # whatever it was: the regular sweep says what it lacks
            log.error(
                "notifications of %s: unexpected %s",
                kind,
                type(error).__name__,
                extra={"traceback": trace(error)},
            )
            return f"unexpected {type(error).__name__}"
        return None

    def _read_named(self, foci: list[str]) -> None:
        """Read what the marks name.

        Where the EHR refuses to show it, or fails at this one, the sweep may: an EHR that hears
        nothing but errors stops telling.
        """
        for focus in self.sweep.publisher.search(foci) if len(foci) > 1 else foci:
            try:
                self.sweep.publisher.focus(focus)
            except (FhirError, Unavailable) as error:
                if isinstance(error, Unavailable) and not error.suspect:
                    raise
                log.warning("what a notification named is left to the sweep: %s", error)
                self.sweep.asked.set()
