"""The runtime: the straight line for many records at once. It alone turns an error into an action
(`shared.runtime.triage` says which).

The calling thread polls the source, keeps the lanes and commits; a pool does take and put; one
thread feeds the model. Committed is only what is finished without a gap, always explicitly:
whatever kills this process, the rest comes again.
"""

import logging
import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from shared.errors import DeadLetterLimit, Fenced, NotAnalysed, PoisonRecord, Unavailable
from shared.events import decode
from shared.runtime import dead_letters
from shared.runtime.batching import ModelThread
from shared.runtime.lanes import Burial, Item, Lanes, Unit
from shared.runtime.line import Case, Line
from shared.runtime.metrics import Metrics
from shared.runtime.triage import asked_pause_sec, first_pause_sec, triage
from shared.runtime.workers import Workers
from shared.stream.base import EVENTS_TOPIC, Log, Record, Sink, Source
from shared.stream.tracing import trace_id

log = logging.getLogger(__name__)
BUSY_POLL_SEC, IDLE_POLL_SEC = 0.01, 0.2
WORKERS = 8
LIMIT_PAUSE_SEC = 5.0


def group_of(service: str) -> str:
    """The consumer group of a service."""
    return f"careloop.{service}"


@dataclass(frozen=True)
class Ended:
    """A unit came back from the pool: settled with an outcome, or with the error that stopped it."""

    unit: Unit
    outcome: str | None = None
    error: BaseException | None = None


class Runtime:
    """One service on one event log.

    Args:
        line: the service at work on an EHR.
        log: the event log; the runtime opens its own member of the group and its own sink.
        metrics: of this process.
    """

    def __init__(self, line: Line, event_log: Log, metrics: Metrics) -> None:
        self.line, self._log, self._metrics = line, event_log, metrics
        self._settings, self._service = line.settings, line.service
        quiet = getattr(self._settings, self._service.quiet_sec) if self._service.quiet_sec else 0.0
        self._lanes = Lanes(quiet)
        self._most = 2 * max(
            WORKERS, self._service.max_batch
        )  # what was gathered waits in memory: a backlog must not
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._revoked: queue.SimpleQueue[frozenset[int]] = queue.SimpleQueue()
        self._owed: dict[int, int] = {}
        self._in_flight = self._settled = 0
        self._paused_until, self._pauses = 0.0, 0
        self._source: Source | None = None
        self._sink: Sink | None = None
        self.model = ModelThread(
            lambda batch: self._service.analyze(batch, line.model), self._service.max_batch
        )
        self._fatal: BaseException | None = None
        self.limited = False
        self.waiting_for: str | None = None

    # --- the loop

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then finish what is in flight (at most `shutdown_sec`) and
        leave the group.

        Raises:
            Misconfigured: a topic is missing.
        """
        self._sink = self._log.sink()
        self._source = self._log.source(EVENTS_TOPIC, group_of(self._service.name))
        self._source.on_revoked = self._revoked.put
        pool = Workers(WORKERS, "line")
        try:
            while not stop.is_set():
                self._turn(self._source, pool)
                if self._fatal:
                    raise self._fatal
            self._drain(self._source)
        finally:
            pool.shutdown()
            self.model.close()
            self._source.close()
            self._sink.close()

    def _turn(self, source: Source, pool: Workers) -> None:
        self._read(source)
        source.pause(self._lanes.full(self._settings.max_in_flight))
        if time.monotonic() >= self._paused_until:
            self._start_work(pool)
        self._settle_ended()
        self._commit(source)
        self._metrics.in_flight.labels(self._service.name).set(self._in_flight)
        self._metrics.paused.labels(self._service.name).set(time.monotonic() < self._paused_until)
        self._metrics.oldest_unfinished.labels(self._service.name).set(
            self._lanes.oldest_sec(time.time())
        )

    def _drain(self, source: Source) -> None:
        deadline = time.monotonic() + self._settings.shutdown_sec
        source.pause(source.assignment())
        while self._in_flight and time.monotonic() < deadline:
            self._read(source)
            self._settle_ended()
        self._commit(source)

    def _read(self, source: Source) -> None:
        try:
            records = source.poll(BUSY_POLL_SEC if self._in_flight else IDLE_POLL_SEC)
            if self.waiting_for == "broker":
                self.waiting_for = None
        except Unavailable as error:
            self._pause(error)
            time.sleep(IDLE_POLL_SEC)
            records = []
        while not self._revoked.empty():
            self._forget(self._revoked.get())
        for record in records:
            self._lanes.add(self._item(record))

    def _forget(self, partitions: frozenset[int]) -> None:
        self._lanes.drop(partitions)
        for partition in partitions:
            self._owed.pop(partition, None)

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
            self._metrics.settle("not_accepted")
        return item

    def _start_work(self, pool: Workers) -> None:
        room = max(0, self._most - self._in_flight)
        for unit in islice(self._lanes.take(time.monotonic()), room):
            if unit.last.burial:
                self._elsewhere(unit, self._bury)
                continue
            self._in_flight += 1
            pool.submit(self._guarded, unit, partial(self._begin, unit, pool))

    def _commit(self, source: Source) -> None:
        self._owed |= self._lanes.finished()
        if not self._owed:
            return
        try:
            source.commit(self._owed)
            self._owed = {}
        except Fenced as error:
            self._forget(error.partitions)
            self._owed = {}
        except Unavailable as error:
            log.warning("commit put off: %s", error)

    # --- on the pool

    def _guarded(self, unit: Unit, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # classed in `_again`
            self._ended.put(Ended(unit, error=error))

    def _begin(self, unit: Unit, pool: Workers) -> None:
        if unit.last.event is None:
            raise PoisonRecord("undecodable")
        with self._metrics.stage.labels(self._service.name, "take").time():
            taken = self.line.take(unit.last.event, only_deletes=unit.only_deletes)
        if isinstance(taken, str):
            self._ended.put(Ended(unit, taken))
            return
        case = taken
        self.model.submit(
            case.inputs,
            lambda findings: _submit(
                pool, self._guarded, unit, lambda: self._finish(unit, case, findings)
            ),
        )

    def _finish(self, unit: Unit, case: Case, findings: Any) -> None:
        if isinstance(findings, Exception) and not isinstance(findings, NotAnalysed):
            raise findings
        with self._metrics.stage.labels(self._service.name, "put").time():
            outcome = self.line.put(case, findings)
        self._ended.put(Ended(unit, outcome))

    # --- what becomes of a unit

    def _settle_ended(self) -> None:
        while not self._ended.empty():
            ended = self._ended.get()
            self._in_flight -= 1
            if ended.error is None:
                self._done(ended.unit, ended.outcome or "result")
            else:
                self._again(ended.unit, ended.error)

    def _done(self, unit: Unit, outcome: str) -> None:
        self._lanes.finish(unit)
        self._pauses = 0
        self._settled += 1
        if not self.limited:
            self.waiting_for = None
        self._metrics.settle(outcome)
        self._metrics.settle("covered", len(unit.covered))
        self._metrics.settled.labels(self._service.name).observe(
            max(0.0, time.time() - unit.last.record.timestamp)
        )

    def _again(self, unit: Unit, error: BaseException) -> None:
        item = unit.last
        self._metrics.retries.labels(self._service.name, type(error).__name__).inc()
        match triage(error, item, self._settled, self._settings, time.monotonic()):
            case "end":
                self._fatal = error
            case "limit":
                self._limit(item)
            case "pause":
                assert isinstance(error, Unavailable)
                self._pause(error)
            case "wait":
                log.info(
                    "%s waits: %s",
                    self._service.name,
                    error if isinstance(error, Unavailable) else type(error).__name__,
                )
                self._wait(item, error)
            case "give up waiting":
                self._elsewhere(unit, self._stop_waiting)
                return
            case "dead letter" if not item.burial:
                item.give_up(error)
                self._elsewhere(unit, self._bury)
                return
            case "dead letter" if item.burial.stored:
                self._no_head(item, error)
                self._done(unit, "failed")
                return
            case "dead letter":  # not even its letter can be stored: again, but not in a hot loop
                self._wait(item, error)
        self._lanes.release(unit)

    def _wait(self, item: Item, error: BaseException) -> None:
        pause = self._backoff_sec(error, item.waits)
        item.waits += 1
        jittered = pause * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret
        item.not_before = time.monotonic() + max(jittered, asked_pause_sec(error))

    def _backoff_sec(self, error: BaseException, tries: int) -> float:
        return min(self._settings.backoff_max_sec, first_pause_sec(error) * 2.0 ** min(tries, 10))

    def _pause(self, error: Unavailable) -> None:
        """The EHR or the broker is away: nothing is lost and no try is burnt."""
        if time.monotonic() < self._paused_until:
            return
        pause = max(self._backoff_sec(error, self._pauses), asked_pause_sec(error))
        self._pauses += 1
        self.waiting_for = error.dependency
        self._paused_until = time.monotonic() + pause
        log.warning("%s; pausing %.1f s", error, pause)

    def _limit(self, item: Item) -> None:
        self.limited = True
        self.waiting_for = "dead-letter limit"
        self._paused_until = item.not_before = time.monotonic() + LIMIT_PAUSE_SEC
        log.error(
            "dead-letter limit reached; the service pauses. Look at `careloop dead-letters list "
            "--service %s`",
            self._service.name,
        )

    def _elsewhere(self, unit: Unit, work: Callable[[Unit], None]) -> None:
        """On a thread of its own: the pool may be full of what waits for a model."""
        self._in_flight += 1
        threading.Thread(
            target=self._guarded, args=(unit, partial(work, unit)), name="give-up", daemon=True
        ).start()

    def _stop_waiting(self, unit: Unit) -> None:
        assert unit.last.event is not None
        self._ended.put(Ended(unit, self.line.give_up_waiting(unit.last.event)))

    def _bury(self, unit: Unit) -> None:
        """Dead letter first, then the head: the record is committed only when the letter is stored.

        What is done is not done again.
        """
        item, burial = unit.last, unit.last.burial
        assert burial is not None
        if not burial.stored:
            self._store_letter(item.record, burial)
            burial.stored = True
        if item.event is not None:
            self.line.fail(
                item.event,
                f"Failed: {type(burial.error).__name__}. An engineer sees it in `careloop "
                "dead-letters`.",
            )
        self._ended.put(Ended(unit, "failed"))

    def _store_letter(self, record: Record, burial: Burial) -> None:
        assert self._sink is not None
        if self._over_limit():
            raise DeadLetterLimit(self._service.name)
        dead_letters.bury(self._sink, self._service.name, record, burial.error, burial.attempts)
        log.error(
            "dead letter %d-%d: %s; trace %s",
            record.partition,
            record.offset,
            type(burial.error).__name__,
            trace_id(record.headers),
        )

    def _no_head(self, item: Item, error: BaseException) -> None:
        """The EHR takes no head for it: the letter alone tells."""
        log.error(
            "no head for dead letter %d-%d: %s",
            item.record.partition,
            item.record.offset,
            dead_letters.harmless(error),
        )

    # --- for the probes

    def ready(self) -> list[str]:
        """What keeps the service from working; empty when nothing does."""
        missing = [] if self._source and self._source.healthy() else ["the event log"]
        if (busy := self.model.busy_sec()) > self._settings.model_stall_sec:
            missing.append(f"the model ({busy:.0f} s on one batch)")
        if self.limited and not self._over_limit():
            self.limited, self.waiting_for = False, None
        return missing + ([self.waiting_for] if self.waiting_for else [])

    def _over_limit(self) -> bool:
        """Counted from the stored letters, so that a restart does not reset it."""
        count = dead_letters.recent(
            self._log, self._service.name, self._settings.dead_letter_window_sec
        )
        return count >= self._settings.dead_letter_limit

    def lag(self) -> int:
        """Records of our partitions that are not committed."""
        return self._source.lag() if self._source else 0


def _submit(pool: Workers, work: Callable[..., None], *args: Any) -> None:
    try:
        pool.submit(work, *args)
    except RuntimeError:  # the pool is shut: we are stopping, the record comes again
        log.info("stopping with a result unwritten; it will be analysed again")
