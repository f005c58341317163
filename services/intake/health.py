"""Why intake is not at its work, for /readyz, and what it counts for /metrics."""

from collections.abc import Mapping
from datetime import timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge

from shared.fhir.instants import now, parse

SWEEPS_MISSED = 3
GRACE_SEC = 30.0


class Health:
    """Shared by the parts of one intake; each attribute is written whole, by one thread.

    Attributes:
        waiting: what its start waits for, in words; None once it is at work.
        failed: what the newest sweep could not do: a resource type, or `event log` -> why.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.waiting: str | None = None
        self.failed: Mapping[str, str] = {}
        self.refused = Gauge("careloop_intake_refused", "1 while the newest sweep of a type (or the event log) failed", ["type"], registry=registry)
        self.skipped = Counter("careloop_intake_skipped", "Versions that are no proper resource and were left out", ["type"], registry=registry)
        self.logs_lost = Counter("careloop_intake_logs_lost", "Times that the event log was another one than before", registry=registry)

    def report(self, failed: Mapping[str, str]) -> None:
        """What came of the newest sweep."""
        for kind in {*self.failed, *failed}:
            self.refused.labels(kind).set(kind in failed)
        self.failed = failed

    def unready(self, swept: str | None, sweep_sec: float) -> list[str]:
        """What keeps intake from its work; empty when nothing does.

        Args:
            swept: when the newest complete sweep began.
        """
        if self.waiting:
            return [self.waiting]
        failed = [f"{kind}: {why}" for kind, why in self.failed.items()]
        return failed + _late(swept, timedelta(seconds=SWEEPS_MISSED * sweep_sec + GRACE_SEC))


def _late(swept: str | None, limit: timedelta) -> list[str]:
    if swept is None:
        return ["the first sweep"]
    return [f"the newest complete sweep began at {swept}"] if parse(now()) - parse(swept) > limit else []
