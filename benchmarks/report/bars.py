"""careloop's own bars (docs/performance.md) beside the measured values (pure)."""

from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.arms.endurance import Endured
from benchmarks.measures import Arm, Arms, Bar
from benchmarks.report.endured import endurance_bars

HUNDRED: Final = 100.0
REAL: Final = ("sekmet", "hapi")
NOT_RUN: Final = ("CT segmentation", "batching and business of a GPU")
"""What this command never measures."""
REQUESTS: Final = 4.0
FASTER: Final = 1.6
ALONE_MS: Final = 5.0
HUNDRED_NEEDS: Final = 110.0
"""Events per second at saturation, above which 100 events/s can be tried."""


def bars(arms: Arms, endured: Sequence[Endured] = ()) -> list[Bar]:
    """Every bar of this run, log by log."""
    found: list[Bar] = []
    for log in sorted({arm.log for arm in arms.values() if arm.log}):
        found += over_script(arms, log)
        found += over_model(arms, log)
        found += over_before(arms, log)
        found += requests(arms, log)
        found += at_hundred(arms, log)
        found += loaded(arms, log)
        found += real_ehr(arms, log)
        found += endurance_bars([e for e in endured if e.log == log])
    return found


def over_script(arms: Arms, log: str) -> Iterator[Bar]:
    """Compare P with S.

    What one event takes longer when it is alone in the pipeline, without its durable append and
    with a script that is paced alike; and the time per event when there are many.
    """
    for model_ms, allowed in ((0, None), (20, 10.0), (100, 5.0)):
        script, many = arms.get(f"S fake {model_ms}ms"), arms.get(f"P {log} fake {model_ms}ms")
        paced = arms.get(f"S modest fake {model_ms}ms")
        alone = arms.get(f"P modest {log} fake {model_ms}ms")
        what = f"{log}: P over S, {model_ms} ms model"
        if paced and alone:
            without = alone.typical - (alone.append or 0.0)
            label = f"{what}, one event without its append"
            yield _over(label, without, paced.typical, ALONE_MS, allowed)
        if script and many:
            label = f"{what}, saturated"
            yield _over(label, many.per_event, script.per_event, 3.0, allowed)


def _over(what: str, one: float, other: float, more_ms: float, percent: float | None) -> Bar:
    if percent is None:
        return Bar(what, round((one - other) * 1000, 2), more_ms, "ms")
    return Bar(what, round((one / other - 1) * HUNDRED, 1), percent, "%")


def over_model(arms: Arms, log: str) -> Iterator[Bar]:
    """P against M at 100 ms: how much of a slow model's time is lost around it."""
    model, arm = arms.get("M 100ms"), arms.get(f"P {log} fake 100ms")
    if model and arm:
        what = f"{log}: P over M, 100 ms model, saturated"
        yield _over(what, arm.per_event, model.per_event, 0.0, 7.0)


def over_before(arms: Arms, log: str) -> Iterator[Bar]:
    """Events per second against the commit before, in the same run."""
    before, arm = arms.get(f"P0 {log} fake 0ms"), arms.get(f"P {log} fake 0ms")
    if before and arm:
        times = round(before.per_event / arm.per_event, 2)
        what = f"{log}: events/s over those of the commit before, 0 ms model"
        yield Bar(what, times, FASTER, "x", at_most=False)


def requests(arms: Arms, log: str) -> Iterator[Bar]:
    """Requests to the EHR for one event, at each EHR."""
    for ehr in ("fake", *REAL):
        arm = arms.get(f"P {log} {ehr} 0ms")
        count = arm.cost(lambda cost: cost.requests) if arm else None
        if count is not None:
            yield Bar(f"{log}: requests to the EHR an event, {ehr}", round(count, 2), REQUESTS, "")


def at_hundred(arms: Arms, log: str) -> Iterator[Bar]:
    """Added latency at 100 events/s: P's latency less S's median."""
    script, many, arm = (
        arms.get("S fake 0ms"),
        arms.get(f"P {log} fake 0ms"),
        arms.get(f"P@100 {log} fake 0ms"),
    )
    if script is None or many is None:
        return
    most = 1 / many.per_event
    slow = most <= HUNDRED_NEEDS
    note = f"not run: it saturates at {most:.0f} events/s here" if slow and not arm else ""
    for q, bar in ((0.5, 10.0), (0.99, 30.0)):
        value = added(arm, script, q) if arm else None
        yield Bar(
            f"{log}: added latency at 100 events/s, p{q * HUNDRED:.0f}", value, bar, "ms", note=note
        )


def loaded(arms: Arms, log: str) -> Iterator[Bar]:
    """p99 at 80 % of saturation against the service time (S's median)."""
    script, arm = arms.get("S fake 0ms"), arms.get(f"P@80% {log} fake 0ms")
    if script and arm:
        p99 = arm.at_in_blocks(0.99)
        share = None if p99 is None else round(p99 / script.typical, 2)
        yield Bar(f"{log}: p99 at 80 % load over the service time", share, 3.0, "x")


def real_ehr(arms: Arms, log: str) -> Iterator[Bar]:
    """Events per second at a real EHR against a script with as many writers."""
    for ehr in REAL:
        script, arm = arms.get(f"S8 {ehr} 0ms"), arms.get(f"P {log} {ehr} 0ms")
        if script and arm:
            share = round(script.per_event / arm.per_event * HUNDRED, 1)
            what = f"{log}: events/s at {ehr} against S with 8 writers"
            yield Bar(what, share, 95.0, "%", at_most=False)


def added(arm: Arm, script: Arm, q: float) -> float | None:
    """Milliseconds from the script's median to a percentile of the arm."""
    value = arm.at(q)
    return None if value is None else round((value - script.typical) * 1000, 2)
