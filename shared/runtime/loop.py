"""The runtime: the straight line for many records at once.

The calling thread polls the source, keeps the lanes and commits. A pool of threads does take and
put. One thread feeds the model. The loop commits explicitly, and only what is finished without a
gap: whatever kills this process, the rest comes again. Only the loop turns an error into an action
(`shared.runtime.triage` says which).
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import islice

from shared.errors import Fenced, PoisonRecord, Unavailable
from shared.events import decode
from shared.runtime.batching import ModelThread
from shared.runtime.burial import bury, log_missing_head, over_limit
from shared.runtime.lanes import Item, Lanes, Unit
from shared.runtime.line import Line
from shared.runtime.metrics import Metrics
from shared.runtime.pauses import Pauses
from shared.runtime.triage import triage
from shared.runtime.work import Ended, Work
from shared.runtime.workers import Workers
from shared.stream.base import EVENTS_TOPIC, Log, Record, Sink, Source

log = logging.getLogger(__name__)
BUSY_POLL_SEC, IDLE_POLL_SEC = 0.01, 0.2
WORKERS = 8


def group_of(service: str) -> str:
    """Return the consumer group of a service."""
    return f"careloop.{service}"


class Runtime:
    """One service on one event log.

    Args:
        line: the service at work on an EHR.
        event_log: the runtime opens its own member of the group and its own sink.
        metrics: of this process.

    Attributes:
        source: the member of the group; None before `run`.
        pauses: when the service works and what it waits for.
    """

    def __init__(self, line: Line, event_log: Log, metrics: Metrics) -> None:
        self.line = line
        self.metrics = metrics
        self.source: Source | None = None
        self.pauses = Pauses(line.service.name, line.settings.backoff_max_sec)
        self.model = ModelThread(
            lambda batch: line.service.analyze(batch, line.model), line.service.max_batch
        )
        self._work = Work(line, self.model, metrics)

        self._log, self._settings, self._service = event_log, line.settings, line.service
        self._sink: Sink | None = None
        quiet_sec = (
            getattr(self._settings, line.service.quiet_sec) if line.service.quiet_sec else 0.0
        )
        self._lanes = Lanes(quiet_sec)
        # What was gathered waits in memory; a backlog must not.
        self._in_flight_max = 2 * max(WORKERS, line.service.max_batch)

        self._revoked: queue.SimpleQueue[frozenset[int]] = queue.SimpleQueue()
        self._uncommitted: dict[int, int] = {}
        self._in_flight = self._settled = 0
        self._fatal: BaseException | None = None

    @property
    def waiting_for(self) -> str | None:
        """The missing dependency, or the limit; None while the service works."""
        return self.pauses.waiting_for

    # --- the loop

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then finish the work in flight and leave the group.

        It waits for the work in flight for at most `shutdown_sec`.

        Raises:
            Misconfigured: a topic is missing.
        """
        self._sink = self._log.sink()
        self.source = self._log.source(EVENTS_TOPIC, group_of(self._service.name))
        self.source.on_revoked = self._revoked.put
        pool = Workers(WORKERS, "line")
        try:
            while not stop.is_set():
                self._turn(self.source, pool)
                if self._fatal:
                    raise self._fatal
            self._drain(self.source)
        finally:
            pool.shutdown()
            self.model.close()
            self.source.close()
            self._sink.close()

    def _turn(self, source: Source, pool: Workers) -> None:
        self._read(source)
        source.pause(self._lanes.full(self._settings.max_in_flight))
        if not self.pauses.active:
            self._start_work(pool)
        self._settle_ended()
        self.commit(source)
        self._measure()

    def _drain(self, source: Source) -> None:
        deadline = time.monotonic() + self._settings.shutdown_sec
        source.pause(source.assignment())
        while self._in_flight and time.monotonic() < deadline:
            self._read(source)
            self._settle_ended()
        self.commit(source)

    def _read(self, source: Source) -> None:
        try:
            records = source.poll(BUSY_POLL_SEC if self._in_flight else IDLE_POLL_SEC)
            self.pauses.broker_answered()
        except Unavailable as error:
            self.pauses.pause(error)
            time.sleep(IDLE_POLL_SEC)
            records = []

        while not self._revoked.empty():
            self._forget(self._revoked.get())
        for record in records:
            self._lanes.add(self._item(record))

    def _forget(self, partitions: frozenset[int]) -> None:
        self._lanes.drop(partitions)
        for partition in partitions:
            self._uncommitted.pop(partition, None)

    def _item(self, record: Record) -> Item:
        now = time.monotonic()
        try:
            event = decode(record.value, record.headers)
            accepted = self._service.accepts(event)
            answer = self._service.input_of(event) if accepted else ""
        except PoisonRecord:
            return Item(record, None, f"{record.partition}-{record.offset}", now)

        item = Item(record, event, answer, now)
        if not accepted:
            item.done = True
            self.metrics.settle("not_accepted")
        return item

    def _start_work(self, pool: Workers) -> None:
        room = max(0, self._in_flight_max - self._in_flight)
        for unit in islice(self._lanes.take(time.monotonic()), room):
            if unit.last.burial:
                self._on_own_thread(unit, self._bury)
                continue
            self._in_flight += 1
            self._work.start(unit, pool)

    def commit(self, source: Source) -> None:
        self._uncommitted |= self._lanes.finished()
        if not self._uncommitted:
            return
        try:
            source.commit(self._uncommitted)
            self._uncommitted = {}
            self.pauses.committed()
        except Fenced as error:
            self._forget(error.partitions)
            self._uncommitted = {}
        except Unavailable as error:
            self.pauses.put_off_commit(error)

    def _measure(self) -> None:
        name = self._service.name
        self.metrics.in_flight.labels(name).set(self._in_flight)
        self.metrics.paused.labels(name).set(self.pauses.active)
        self.metrics.oldest_unfinished.labels(name).set(self._lanes.oldest_sec(time.time()))

    # --- what becomes of a unit

    def _settle_ended(self) -> None:
        while not self._work.ended.empty():
            ended = self._work.ended.get()
            self._in_flight -= 1
            if ended.error is None:
                self._finished(ended.unit, ended.outcome or "result")
            else:
                self._after_error(ended.unit, ended.error)

    def _finished(self, unit: Unit, outcome: str) -> None:
        self._lanes.finish(unit)
        self.pauses.end(unit.last)
        self._settled += 1
        self.metrics.settle(outcome)
        self.metrics.settle("covered", len(unit.covered))
        self.metrics.settled.labels(self._service.name).observe(
            max(0.0, time.time() - unit.last.record.timestamp)
        )

    def _after_error(self, unit: Unit, error: BaseException) -> None:
        item = unit.last
        self.metrics.retries.labels(self._service.name, type(error).__name__).inc()

        match triage(error, item, self._settled, self._settings, time.monotonic()):
            case "end":
                self._fatal = error
            case "limit":
                self.pauses.pause_at_limit(item)
            case "pause":
                assert isinstance(error, Unavailable)
                self.pauses.pause(error)
            case "wait":
                away = error.outage if isinstance(error, Unavailable) else {}
                words = error if away else type(error).__name__
                log.info("%s waits: %s", self._service.name, words, extra=away)
                self.pauses.delay(item, error)
            case "give up waiting":
                self._on_own_thread(unit, self._give_up_waiting)
                return
            case "dead letter" if not item.burial:
                item.give_up(error)
                self._on_own_thread(unit, self._bury)
                return
            case "dead letter" if item.burial.stored:
                log_missing_head(item, error)
                self._finished(unit, "failed")
                return
            case "dead letter":
                # Not even its letter can be stored: try again, but not in a hot loop.
                self.pauses.delay(item, error)

        self._lanes.release(unit)

    def _on_own_thread(self, unit: Unit, work: Callable[[Unit], None]) -> None:
        """Do it on a thread of its own.

        The pool may be full of work that waits for a model.
        """
        self._in_flight += 1
        threading.Thread(
            target=self._work.guarded, args=(unit, partial(work, unit)), name="give-up", daemon=True
        ).start()

    def _give_up_waiting(self, unit: Unit) -> None:
        assert unit.last.event is not None
        self._work.ended.put(Ended(unit, self.line.give_up_waiting(unit.last.event)))

    def _bury(self, unit: Unit) -> None:
        assert self._sink is not None
        bury(self.line, self._log, self._sink, unit)
        self._work.ended.put(Ended(unit, "failed"))

    # --- for the probes

    def ready(self) -> list[str]:
        """List everything in the way of work; empty when nothing is."""
        missing = [] if self.source and self.source.healthy() else ["the event log"]
        if (busy := self.model.busy_sec()) > self._settings.model_stall_sec:
            missing.append(f"the model ({busy:.0f} s on one batch)")

        if self.pauses.limited and not over_limit(self.line, self._log):
            self.pauses.lift_limit()
        return missing + ([self.waiting_for] if self.waiting_for else [])

    def lag(self) -> int:
        """Count the uncommitted records of our partitions."""
        return self.source.lag() if self.source else 0
