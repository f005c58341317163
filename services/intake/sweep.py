"""The sweep: everything that changed since the cursor.

Whatever was or was not notified. It runs always.

Servers show a big transaction late and stamp it with one instant, so each sweep looks back behind
its cursor and drops what it saw.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from services.intake.publish import Publisher
from services.intake.reach import Reach
from services.intake.rewound import Anchor, is_rewound, lost
from services.intake.state import State
from services.intake.versions import MALFORMED
from shared.ehr.client import Version
from shared.errors import CareloopError, Unavailable
from shared.instants import instant, now, parse
from shared.settings import Settings
from shared.web.logs import trace

log = logging.getLogger(__name__)
EVENT_LOG = "event log"
STATE = "state"
RECHECK = "what is published once more"
REWOUND = "what the EHR lost"
GLANCE = timedelta(seconds=2)
"""How far a notified sweep looks back: sekmet shows a big transaction up to 1 s late."""
REMEMBERED = timedelta(hours=1)
"""Beyond the overlap: a server that is late by more than this loses only the deduplication."""


@dataclass(frozen=True)
class Sweep:
    """Sweeps all types.

    Attributes:
        asked: set to have a sweep at once.
        identity: tells which event log it is (`shared.stream.base.Log.identity`); None: it can't be
            exchanged.
        stop: set to end within a page of history.
        glanced: up to where notifications had a type read.
        swept: when the newest sweep of a type that went well began; monotonic seconds.
        warned: (type, oddity) of each warning so far.
    """

    publisher: Publisher
    state: State
    settings: Settings
    asked: threading.Event
    identity: Callable[[], str] | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    glanced: dict[str, datetime] = field(default_factory=dict)
    swept: dict[str, float] = field(default_factory=dict)
    warned: set[tuple[str, str]] = field(default_factory=set)

    def run(self) -> None:
        """Sweep at once, then every `intake_sweep_sec` and whenever somebody asked for it."""
        while True:
            self.asked.clear()  # before the look at `stop`: who stops us sets that first
            if self.stop.is_set():
                return
            self.all()
            self.asked.wait(self.settings.intake_sweep_sec)

    def all(self) -> Mapping[str, str]:
        """Sweep every type once; return each failure and its reason.

        The sweep is complete when nothing failed.
        """
        began = now()
        failed = self._failures()
        if not failed and (why := self._failure(partial(self.state.complete, began), STATE)):
            failed = {STATE: why}
        if not failed:
            self.publisher.health.goes_on()
        self.publisher.health.report(failed)
        return failed

    def kind(self, kind: str) -> int:
        """One type from its cursor on; return how many events were new."""
        began = time.monotonic()
        cursor, overlap = self._cursor(kind), self._overlap()
        anchor = Anchor(self.state.anchor(kind), instant(cursor))
        since, reach = _earlier(cursor, overlap), Reach(cursor, anchor)
        new = self.publisher.versions(self._read(kind, since, reach))
        if anchor.focus and not anchor.was_met:
            self._look_after(anchor.focus)
        if reach.newest > cursor:
            self.state.advance(kind, instant(reach.newest), reach.newest_focus)
            self.state.forget(kind, instant(_earlier(reach.newest, overlap + REMEMBERED)))
        self.publisher.health.ahead(
            kind, reach.ahead.total_seconds() if reach.ahead > overlap else 0.0
        )
        self._tell_oddities(kind, reach)
        self.swept[kind] = began
        if new:
            log.info("sweep found %d new versions of %s", new, kind)
        return new

    def _tell_oddities(self, kind: str, reach: Reach) -> None:
        """Log the oddities of this EHR, once for each type."""
        said = {
            "unasked": "the EHR told %s from long before what was asked for: it does not heed the "
            "time, each sweep reads all",
            "unnumbered": "the EHR numbers no versions of %s: they are told apart by their "
            "lastUpdated, and one without that is seen once",
        }
        for name, text in said.items():
            if getattr(reach, name) and (kind, name) not in self.warned:
                self.warned.add((kind, name))
                log.warning(text, kind)

    def glance(self, kind: str) -> int:
        """Read the newest changes after a notification; return the number of new ones.

        It looks back a moment only and leaves the cursor alone. So whatever an EHR shows late is
        found all the same: the regular sweep reads all from its own cursor on, with the whole
        overlap.
        """
        cursor = self.state.cursor(kind)
        swept = parse(cursor) if cursor else _earlier(parse(now()), self._overlap())
        at = max(swept, self.glanced.get(kind, swept))
        reach = Reach(at, Anchor(None, ""))
        since = _earlier(at, min(GLANCE, self._overlap()))
        new = self.publisher.versions(self._read(kind, since, reach))
        self.glanced[kind] = reach.newest
        return new

    def _cursor(self, kind: str) -> datetime:
        """Where the type's sweep goes on.

        A cursor in the future (former versions followed an EHR's clock there) hides all since: back
        to the beginning.
        """
        began, cursor = parse(self.state.begin(self._start())), self.state.cursor(kind)
        if cursor is None:
            return began
        if parse(cursor) > max(began, parse(now()) + self._overlap()):
            log.error(
                "the cursor of %s stands in the future (%s): publishing again what changed since "
                "%s",
                kind,
                cursor,
                began,
            )
            self.state.move_back(kind, instant(began))
            return began
        return parse(cursor)

    def _overlap(self) -> timedelta:
        return timedelta(seconds=self.settings.intake_overlap_sec)

    def _failures(self) -> Mapping[str, str]:
        if why := self._failure(self._look_at_log):
            return {EVENT_LOG: why}
        whys = {
            kind: self._failure(partial(self.kind, kind), kind)
            for kind in self.publisher.watch.swept
        }
        whys[REWOUND] = self._failure(self._look_back, REWOUND)
        whys[RECHECK] = self._failure(self._recheck, RECHECK)
        return {kind: why for kind, why in whys.items() if why}

    def _look_after(self, focus: str) -> None:
        """Suspect a restored backup if the version at the cursor is gone."""
        if why := lost(self.publisher.ehr, self.state.last(focus)):
            log.warning("the newest known version of %s %s", focus, why)
            self.publisher.suspicion.set()

    def _look_back(self) -> None:
        """Sweep everything again at once if the EHR went back in time."""
        publisher = self.publisher
        if not publisher.suspicion.is_set():
            return
        if is_rewound(publisher.ehr, self.state, publisher.watch.swept):
            publisher.health.rewinds.inc()
            log.error(
                "the EHR went back in time (a restored backup?): publishing again what changed "
                "since %s",
                self.state.begin(self._start()),
            )
            self.state.begin_again()
            self.asked.set()
        publisher.suspicion.clear()

    def _recheck(self) -> None:
        """Publish again what searches may not have found when it was written.

        By now, an overlap later, they have.
        """
        past = instant(_earlier(parse(now()), self._overlap()))
        while waiting := self.state.to_recheck(past):
            for reference in waiting:
                self._go_on()
                self.publisher.publish_again(reference)

    def _failure(self, step: Callable[[], object], kind: str = EVENT_LOG) -> str | None:
        try:
            step()
        except CareloopError as error:
            self.publisher.health.put_off(f"sweep of {kind}", error)
            return str(error)
        except (
            Exception
        ) as error:  # whatever it was: the sweep goes on, and /readyz says what it lacks
            if not isinstance(error, MALFORMED):
                log.error(
                    "sweep of %s: unexpected %s",
                    kind,
                    type(error).__name__,
                    extra={"traceback": trace(error)},
                )
                return f"unexpected {type(error).__name__}"
            log.error(
                "sweep of %s: the EHR's answer is no history (%s)",
                kind,
                type(error).__name__,
                extra={"traceback": trace(error)},
            )
            return f"the EHR's answer is no history ({type(error).__name__})"
        return None

    def _look_at_log(self) -> None:
        if self.identity is None or self.state.same_log(self.identity()):
            return
        self.publisher.health.logs_lost.inc()
        log.error(
            "this is another event log than before: publishing again what changed since %s",
            self.state.begin(self._start()),
        )

    def _read(self, kind: str, since: datetime, reach: "Reach") -> Iterator[Version]:
        """What the EHR tells of the type, but what is older than `state` remembers.

        Nobody asked for that, and it would be new each time.
        """
        self._go_on()
        oldest = _earlier(since, REMEMBERED)
        for version in self.publisher.ehr.history(kind, instant(since)):
            self._go_on()
            if reach.meets(version, oldest):
                yield version

    def _go_on(self) -> None:
        if self.stop.is_set():
            raise Unavailable("intake", "it is stopping")

    def _start(self) -> str:
        return instant(parse(self.settings.intake_since)) if self.settings.intake_since else now()


def _earlier(moment: datetime, by: timedelta) -> datetime:
    return max(moment, datetime.min.replace(tzinfo=UTC) + by) - by
