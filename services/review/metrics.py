"""Metrics of the pages (Prometheus). No label ever holds an id or a name."""

from typing import Final

from prometheus_client import Counter, Histogram

from shared.fhir.urgency.acknowledgement import URGENT, acknowledgement_of, waits_since
from shared.fhir.urgency.priority import Priority
from shared.instants import now, start
from shared.json import Json
from shared.runtime.metrics import BUCKETS, Metrics

SERVICE: Final = "review"
WAITS: Final = (60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 259_200)


class PageMetrics:
    """The metrics of one process of review, beside what every service measures."""

    def __init__(self) -> None:
        common = Metrics(SERVICE)
        self.registry = common.registry
        self.sent = common.sent
        self.pages = Histogram(
            "careloop_review_page_seconds",
            "Time until a page was answered, by page and status",
            ["page", "status"],
            registry=self.registry,
            buckets=BUCKETS,
        )
        self.logins = Counter(
            "careloop_review_logins",
            "Logins, by outcome (entered, refused)",
            ["outcome"],
            registry=self.registry,
        )
        self.decisions = Counter(
            "careloop_review_decisions",
            "Results decided on, by kind (signed, amended, rejected)",
            ["kind"],
            registry=self.registry,
        )
        self.waits = Histogram(
            "careloop_review_acknowledge_seconds",
            "How long urgent results waited until somebody acknowledged or decided on them",
            ["priority"],
            registry=self.registry,
            buckets=WAITS,
        )
        self.emergencies = Counter(
            "careloop_review_emergency_accesses",
            "Emergency accesses that were opened",
            registry=self.registry,
        )

    def seen(self, task: Json, priority: Priority) -> None:
        """Measure how long an urgent head waited, where nobody had acknowledged it before.

        Args:
            task: as it stood before.
            priority: how urgent it was then.
        """
        if priority not in URGENT or acknowledgement_of(task) or not (since := waits_since(task)):
            return
        waited = (start(now()) - start(since)).total_seconds()
        self.waits.labels(priority).observe(max(waited, 0.0))
