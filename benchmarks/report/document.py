"""Everything a run measured, as one document for programs, tables and docs."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.arms.endurance import Endured
from benchmarks.measures import BEYOND, Arm, Arms, ms, ratios
from benchmarks.report.bars import NOT_RUN, bars

GUESSES: Final = (
    f"p95 with fewer than {BEYOND * 20} samples and p99 with fewer than "
    f"{BEYOND * 100} would be guesses"
)
NO_LATENCY: Final = (
    f"Where - stands: {GUESSES}; events of P are appended at once, so their wait "
    "in the log is no latency."
)
COLUMNS: Final[Mapping[str, str]] = {
    "arm": "arm",
    "log": "log",
    "ehr": "EHR",
    "model_ms": "model ms",
    "events": "events",
    "per_event_ms": "ms/event",
    "events_per_sec": "events/s",
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
    "p99_ms": "p99 ms",
    "append_ms": "append ms",
    "requests": "requests",
    "ehr_cpu_ms": "EHR CPU ms",
    "waited_ms": "no core ms",
}
"""The columns of the table of arms, and their heads."""


@dataclass
class Measured:
    """What a run has measured so far.

    Attributes:
        commit: that P0 was built from; empty without P0.
        not_measured: what was asked for and did not take place, a sentence each.
    """

    rate: Mapping[int, float]
    seed: int
    commit: str = ""
    arms: dict[str, Arm] = field(default_factory=dict)
    endured: list[Endured] = field(default_factory=list)
    not_measured: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return all of it, for a JSON file."""
        return {
            "machine": machine(),
            "seed": self.seed,
            "commit_before": self.commit,
            "arms": [row(arm, self.rate) for arm in ordered(self.arms)],
            "endured": [summary(each) for each in self.endured],
            "ratios": ratios(self.arms),
            "bars": [
                {
                    "what": b.what,
                    "measured": b.measured,
                    "bar": b.bar,
                    "unit": b.unit,
                    "at_least": not b.at_most,
                    "met": b.met,
                    "note": b.note,
                }
                for b in bars(self.arms, self.endured)
            ],
            "not_measured": [*self.not_measured, *NOT_RUN],
        }


def machine() -> dict[str, Any]:
    """What it ran on."""
    cpu = next(
        (line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")),
        platform.machine(),
    )
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "load": [round(x, 1) for x in os.getloadavg()],
    }


def _cpuinfo() -> list[str]:
    try:
        # one line of one file
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            return file.read().splitlines()
    except OSError:
        return []


def row(arm: Arm, rate: Mapping[int, float]) -> dict[str, Any]:
    """One arm in numbers; a percentile is None where there are too few samples for it.

    Latencies of events appended at once are no latencies.
    """
    queued = arm.arm in ("P", "P0")
    requests = arm.cost(lambda cost: cost.requests)
    return {
        "arm": arm.arm.replace("modest", f"at {rate[arm.model_ms]:g}/s"),
        "log": arm.log,
        "ehr": arm.ehr,
        "model_ms": arm.model_ms,
        "events": len(arm.latencies),
        "blocks": len(arm.blocks),
        "per_event_ms": ms(arm.per_event),
        "events_per_sec": round(1 / arm.per_event, 1),
        "p50_ms": None if queued else ms(arm.typical),
        "p95_ms": None if queued else ms(arm.at(0.95)),
        "p99_ms": None if queued else ms(arm.at(0.99)),
        "append_ms": ms(arm.append),
        "requests": None if requests is None else round(requests, 2),
        "ehr_cpu_ms": ms(arm.cost(lambda cost: cost.cpu_sec)),
        "waited_ms": ms(arm.cost(lambda cost: cost.waited_sec)),
    }


def summary(each: Endured) -> dict[str, Any]:
    """One long load in numbers; memory in megabytes."""
    rss = [sample.rss / 1e6 for sample in each.samples]
    descriptors = [sample.descriptors for sample in each.samples]
    return {
        "load": each.load,
        "log": each.log,
        "per_sec": round(each.per_sec, 1),
        "events": each.events,
        "lost": each.lost,
        "wrong": each.wrong,
        "drain_sec": None if each.drain_sec is None else round(each.drain_sec, 1),
        "rss_mb": [round(f(rss), 1) for f in (lambda r: r[0], min, max, lambda r: r[-1])]
        if rss
        else [],
        "descriptors": [min(descriptors), max(descriptors)] if descriptors else [],
    }


def ordered(arms: Arms) -> Sequence[Arm]:
    """By EHR, model, arm and log."""
    places = ("", "fake", "sekmet", "hapi")
    return sorted(
        arms.values(),
        key=lambda a: (places.index(a.ehr) if a.ehr else 1, a.model_ms, a.arm, a.log),
    )
