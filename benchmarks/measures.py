"""What the blocks of a run amount to.

Percentiles, ratios, the bars of docs/performance.md, and the stored baseline (pure).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.arms.blocks import Block, Cost

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
        arm: `M`, `S`, `S8`, `P` (appended at once), `S modest` and `P modest` (one event alone), or
            `P@100` (at 100 events/s); `P0` is the pipeline of another commit.
        log: of P: `sqlite` or `kafka`; else empty.
        ehr: `fake`, `sekmet` or `hapi`; of M empty.
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

    def at_in_blocks(self, q: float) -> float | None:
        """The median of the blocks' percentiles, in seconds.

        So a disturbed block does not count.
        """
        found = [percentile(block.latencies, q) for block in self.blocks]
        known = [value for value in found if value is not None]
        return median(known) if known and len(known) == len(found) else None

    @property
    def append(self) -> float | None:
        """The median time of a durable append in seconds; None where none was timed."""
        appends = [append for block in self.blocks for append in block.appends]
        return median(appends) if appends else None

    def cost(self, of: Callable[[Cost], float]) -> float | None:
        """The cost of one event, the median of the blocks; None without an EHR."""
        costs = [of(b.cost) / len(b.latencies) for b in self.blocks if b.cost]
        return median(costs) if costs else None


Arms = Mapping[str, Arm]


def by_name(arms: Iterable[Arm]) -> Arms:
    """For look-ups."""
    return {arm.name: arm for arm in arms}


def ratios(arms: Arms) -> dict[str, float]:
    """P against S, M and the commit before, by name. What the baseline keeps.

    Time per event at saturation, and of a single event at the modest rate, where S is paced, too.
    Of P over P0 the events per second.
    """
    found: dict[str, float] = {}
    for arm in arms.values():
        place = f"{arm.log} {arm.ehr} {arm.model_ms}ms"

        def over(label: str, other: str, arm: Arm = arm, place: str = place) -> None:
            if to := arms.get(other):
                alone = arm.arm == "P modest"
                one, base = (arm.typical, to.typical) if alone else (arm.per_event, to.per_event)
                found[f"{label} {place}"] = base / one if label.startswith("P/P0") else one / base

        if arm.arm == "P":
            over("P/S saturated", f"S {arm.ehr} {arm.model_ms}ms")
            over("P/S8 saturated", f"S8 {arm.ehr} {arm.model_ms}ms")
            over("P/P0 events/s", f"P0 {place}")
            if arm.model_ms:
                over("P/M saturated", f"M {arm.model_ms}ms")
        if arm.arm == "P modest":
            over("P/S one event", f"S modest {arm.ehr} {arm.model_ms}ms")
    return {name: round(value, 4) for name, value in found.items()}


def regressions(now: Mapping[str, float], baseline: Mapping[str, float]) -> list[str]:
    """The P/S ratios that are more than 15 % above the baseline's, a sentence each."""
    return [
        f"{name}: {now[name]:.2f}, was {before:.2f}"
        for name, before in baseline.items()
        if name.startswith("P/S") and name in now and now[name] > before * REGRESSION
    ]
