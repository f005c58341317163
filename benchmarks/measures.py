"""What the blocks of a run amount to.

Percentiles, ratios, the bars of docs/performance.md, and the stored baseline (pure).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.arms import Block

MODELS_MS: Final = (0, 20, 100)
BEYOND: Final = 5
REGRESSION: Final = 1.15


@dataclass(frozen=True)
class Bar:
    """One line of the comparison with what was asked for.

    Attributes:
        measured: None: this run did not measure it, `note` says why.
        at_most: the bar is an upper one; otherwise a lower one.
    """

    what: str
    measured: float | None
    bar: float
    unit: str
    at_most: bool = True
    note: str = ""

    @property
    def met(self) -> bool | None:
        """None: not measured."""
        if self.measured is None:
            return None
        return self.measured <= self.bar if self.at_most else self.measured >= self.bar


def percentile(values: Sequence[float], q: float) -> float | None:
    """Return the q-quantile (0..1, nearest rank).

    None with fewer than `BEYOND` values beyond it: then it would be a guess.
    """
    if len(values) * (1 - q) < BEYOND - 1e-9:
        return None
    return sorted(values)[math.ceil(q * len(values)) - 1]


def ms(seconds: float | None) -> float | None:
    """Milliseconds, to the hundredth."""
    return None if seconds is None else round(seconds * 1000, 2)


@dataclass(frozen=True)
class Arm:
    """One arm under one condition, over all its blocks.

    Attributes:
        arm: `M`, `S`, `S8`, `P` (appended at once) or `P@20` (at 20 events/s).
        log: of P: `sqlite` or `kafka`; else empty.
        ehr: `fake` or `sekmet`; of M empty.
    """

    arm: str
    log: str
    ehr: str
    model_ms: int
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        """`P sqlite fake 20ms`."""
        return " ".join(filter(None, (self.arm, self.log, self.ehr, f"{self.model_ms}ms")))

    @property
    def latencies(self) -> list[float]:
        """Of all blocks."""
        return [latency for block in self.blocks for latency in block.latencies]

    @property
    def per_event(self) -> float:
        """Seconds per event, the median of the blocks: a disturbed block does not count."""
        return median(block.seconds / len(block.latencies) for block in self.blocks)

    def at(self, q: float) -> float | None:
        """A percentile of the latencies, in seconds."""
        return percentile(self.latencies, q)

    @property
    def typical(self) -> float:
        """The median latency in seconds."""
        return median(self.latencies)


Arms = Mapping[str, Arm]


def by_name(arms: Iterable[Arm]) -> Arms:
    """For look-ups."""
    return {arm.name: arm for arm in arms}


def ratios(arms: Arms, paced: str) -> dict[str, float]:
    """P against S and M by name.

    Time per event at saturation, and of a single event at the modest rate. What the baseline keeps.
    """
    found: dict[str, float] = {}
    for arm in arms.values():
        one = arms.get(f"S {arm.ehr} {arm.model_ms}ms")
        eight = arms.get(f"S8 {arm.ehr} {arm.model_ms}ms")
        model = arms.get(f"M {arm.model_ms}ms")
        place = f"{arm.log} {arm.ehr} {arm.model_ms}ms"
        if arm.arm == "P" and one:
            found[f"P/S saturated {place}"] = arm.per_event / one.per_event
        if arm.arm == "P" and eight:
            found[f"P/S8 saturated {place}"] = arm.per_event / eight.per_event
        if arm.arm == "P" and model and arm.model_ms:
            found[f"P/M saturated {place}"] = arm.per_event / model.per_event
        if arm.arm == paced and one:
            found[f"P/S one event {place}"] = arm.typical / one.typical
    return {name: round(value, 4) for name, value in found.items()}


def regressions(now: Mapping[str, float], baseline: Mapping[str, float]) -> list[str]:
    """The P/S ratios that are more than 15 % above the baseline's, a sentence each."""
    return [
        f"{name}: {now[name]:.2f}, was {before:.2f}"
        for name, before in baseline.items()
        if name.startswith("P/S") and name in now and now[name] > before * REGRESSION
    ]
