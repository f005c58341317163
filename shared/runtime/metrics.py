"""Metrics (Prometheus).

Names and labels are defined here; no label ever holds an id.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

BUCKETS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.events = Counter(
            "careloop_events",
            "Records settled, by outcome (not_accepted, covered, result, unchanged, ...)",
            ["service", "outcome"],
            registry=self.registry,
        )
        self.retries = Counter(
            "careloop_retries",
            "Records put back, by class of error",
            ["service", "error"],
            registry=self.registry,
        )
        self.ehr_requests = Counter(
            "careloop_ehr_requests",
            "Requests to the EHR, by method; each try counts, a batch is one",
            ["service", "method"],
            registry=self.registry,
        )
        self.stage = Histogram(
            "careloop_stage_seconds",
            "Time in take, analyze and put",
            ["service", "stage"],
            registry=self.registry,
            buckets=BUCKETS,
        )
        self.settled = Histogram(
            "careloop_event_seconds",
            "From the append to the event log to the outcome",
            ["service"],
            registry=self.registry,
            buckets=BUCKETS,
        )
        self.in_flight = Gauge(
            "careloop_in_flight", "Answers being worked on", ["service"], registry=self.registry
        )
        self.lag = Gauge(
            "careloop_lag",
            "Records of our partitions that are not committed",
            ["service"],
            registry=self.registry,
        )
        self.oldest_unfinished = Gauge(
            "careloop_oldest_unfinished_seconds",
            "Age of the oldest record of our partitions that is read and not done, from its append",
            ["service"],
            registry=self.registry,
        )
        self.paused = Gauge(
            "careloop_paused",
            "1 while the service pauses (EHR, broker or dead-letter limit)",
            ["service"],
            registry=self.registry,
        )
        self.service = service

    def sent(self, method: str) -> None:
        """Count a request to the EHR: the hook `sent` of its client."""
        self.ehr_requests.labels(self.service, method).inc()

    def settle(self, outcome: str, count: int = 1) -> None:
        """Count records by how they settled."""
        self.events.labels(self.service, outcome).inc(count)
