"""Metrics of the pages (Prometheus). No label ever holds an id or a name."""

from typing import Final

from prometheus_client import Counter, Histogram

from shared.runtime.metrics import BUCKETS, Metrics

SERVICE: Final = "review"


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
        self.emergencies = Counter(
            "careloop_review_emergency_accesses",
            "Emergency accesses that were opened",
            registry=self.registry,
        )
