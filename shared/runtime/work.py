"""The work on one unit: take, model, put.

Take and put run on threads of the pool, the model on its own.
"""

import logging
import queue
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from shared.errors import NotAnalysed, PoisonRecord
from shared.runtime.batching import ModelThread
from shared.runtime.lanes import Unit
from shared.runtime.line import Case, Line
from shared.runtime.metrics import Metrics
from shared.runtime.workers import Workers

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ended:
    """A unit back from the pool, with its outcome or its error."""

    unit: Unit
    outcome: str | None = None
    error: BaseException | None = None


class Work:
    """The work of the pool's threads.

    Args:
        line: the service at work on an EHR.
        model: analyses what was gathered.
        metrics: of this process.

    Attributes:
        ended: the units that came back.
    """

    def __init__(self, line: Line, model: ModelThread, metrics: Metrics) -> None:
        self.ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._line = line
        self._model = model
        self._metrics = metrics

    def start(self, unit: Unit, pool: Workers) -> None:
        """Take the unit on the pool, analyse it, and put the result on the pool."""
        pool.submit(self.guarded, unit, partial(self._take, unit, pool))

    def guarded(self, unit: Unit, work: Callable[[], None]) -> None:
        """Do some work on the unit; an error ends it."""
        try:
            work()
        except Exception as error:  # the loop chooses what to do next
            self.ended.put(Ended(unit, error=error))

    def _take(self, unit: Unit, pool: Workers) -> None:
        if unit.last.event is None:
            raise PoisonRecord("undecodable")

        with self._metrics.stage.labels(self._line.service.name, "take").time():
            case = self._line.take(unit.last.event, only_deletes=unit.only_deletes)
        if isinstance(case, str):
            self.ended.put(Ended(unit, case))
            return

        def analysed(findings: Any) -> None:
            try:
                pool.submit(self.guarded, unit, partial(self._put, unit, case, findings))
            except RuntimeError:
                # The pool is shut: we are stopping, and the record comes again.
                log.info("stopping with a result unwritten; it will be analysed again")

        self._model.submit(case.inputs, analysed)

    def _put(self, unit: Unit, case: Case, findings: Any) -> None:
        if isinstance(findings, Exception) and not isinstance(findings, NotAnalysed):
            raise findings

        with self._metrics.stage.labels(self._line.service.name, "put").time():
            outcome = self._line.put(case, findings)
        self.ended.put(Ended(unit, outcome))
