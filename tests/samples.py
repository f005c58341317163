"""The value of one sample of a Prometheus metric, as a scrape would show it."""

from prometheus_client import Counter, Gauge


def value_of(metric: Counter | Gauge, *labels: str) -> float:
    """The sample with these label values; 0 where there is none yet."""
    for family in metric.collect():
        for sample in family.samples:
            if not sample.name.endswith("_created") and tuple(sample.labels.values()) == labels:
                return float(sample.value)
    return 0.0
