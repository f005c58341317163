"""Why intake is not at its work, for /readyz, and what it counts for /metrics."""

import logging
from collections.abc import Mapping
from datetime import timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge

from shared.errors import CareloopError, Unavailable
from shared.instants import now, parse

log = logging.getLogger(__name__)
SWEEPS_MISSED = 3
GRACE_SEC = 30.0


class Health:
    """Shared by the parts of one intake.

    Each attribute is written whole, by one thread.

    Attributes:
        waiting: what its start waits for, in words; None once it is at work.
        failed: what the newest sweep could not do: a resource type, or `event log` -> why.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.waiting: str | None = None
        self.failed: Mapping[str, str] = {}
        self._away: set[str] = set()
        self.refused = Gauge(
            "careloop_intake_refused",
            "1 while the newest sweep of a type (or the event log) failed",
            ["type"],
            registry=registry,
        )
        self.skipped = Counter(
            "careloop_intake_skipped",
            "Versions that are no proper resource and were left out",
            ["type"],
            registry=registry,
        )
        self.versions = Counter(
            "careloop_intake_versions",
            "Versions that were read, by what became of them (published, unwanted, related, again)",
            ["type", "origin", "fate"],
            registry=registry,
        )
        self.ahead_sec = Gauge(
            "careloop_intake_ahead_seconds",
            "How far a version's time lies ahead of our clock, beyond the overlap",
            ["type"],
            registry=registry,
        )
        self._ahead: dict[str, bool] = {}
        self.logs_lost = Counter(
            "careloop_intake_logs_lost",
            "Times that the event log was another one than before",
            registry=registry,
        )
        self.rewinds = Counter(
            "careloop_intake_ehr_rewound",
            "Times that the EHR had gone back in time (a backup was restored)",
            registry=registry,
        )

    def count(self, kind: str, fate: str, *, is_ours: bool) -> None:
        """Count a version: `unwanted` by every service, or `again`: met before."""
        self.versions.labels(kind, "ours" if is_ours else "others", fate).inc()

    def put_off(self, what: str, error: CareloopError) -> None:
        """Log a postponement; of an outage only its start (`shared.web.outages`)."""
        marks = error.outage if isinstance(error, Unavailable) else {}
        if marks:
            self._away.add(marks["away"])
        log.warning("%s put off: %s", what, error, extra=marks)

    def goes_on(self) -> None:
        """Log the end of the outages: every type was swept."""
        while self._away:
            away = self._away.pop()
            log.warning("%s answers again, and the sweep goes on", away, extra={"back": away})

    def report(self, failed: Mapping[str, str]) -> None:
        """What came of the newest sweep."""
        for kind in {*self.failed, *failed}:
            self.refused.labels(kind).set(kind in failed)
        self.failed = failed

    def ahead(self, kind: str, seconds: float) -> None:
        """How far the newest sweep of the type found a version's time ahead of our clock.

        0: none, or not worth a word.
        """
        self.ahead_sec.labels(kind).set(seconds)
        if seconds and not self._ahead.get(kind):
            log.warning(
                "a version of %s is stamped %.0f s ahead of our clock: compare the clocks; the "
                "cursor waits, each sweep reads from there",
                kind,
                seconds,
            )
        self._ahead[kind] = bool(seconds)

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
    return (
        [f"the newest complete sweep began at {swept}"]
        if parse(now()) - parse(swept) > limit
        else []
    )
