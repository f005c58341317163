"""Gauges of what is overdue, computed from the worklist's index at each scrape."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.review.critical.limits import Deadlines, Limits
from shared.errors import CareloopError
from shared.fhir.urgency.priority import PRIORITIES
from shared.instants import start

OVERDUE: Final = "careloop_review_overdue"
AGE: Final = "careloop_review_worklist_age_seconds"


@dataclass(frozen=True, eq=False)  # a registry knows its collectors by identity
class Overdue(Collector):
    """The gauges. What can't be told has no sample.

    Attributes:
        count: the number of overdue results by their place among the priorities.
        swept: when the index was last up to date, an instant; None: never.
    """

    limits: Limits
    count: Callable[[Deadlines], Mapping[int, int]]
    swept: Callable[[], str | None]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield them as of now."""
        now = datetime.now(UTC)
        overdue = GaugeMetricFamily(
            OVERDUE,
            "Urgent results that nobody acknowledged within the time of their class",
            labels=["priority"],
        )
        age = GaugeMetricFamily(AGE, "How long ago the worklist was up to date with the EHR")
        try:
            found, swept = self.count(self.limits.deadlines(now)), self.swept()
        except CareloopError:  # of the index: its file
            return
        # before the first sweep there is no number that is true
        if swept is None:
            return
        for priority in self.limits.times:
            overdue.add_metric([priority], found.get(PRIORITIES.index(priority), 0))
        age.add_metric([], max((now - start(swept)).total_seconds(), 0.0))
        yield overdue
        yield age
