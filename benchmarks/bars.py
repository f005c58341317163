"""careloop's own bars (docs/performance.md) beside what was measured (pure)."""

from collections.abc import Iterator

from benchmarks.measures import Arm, Arms, Bar

HUNDRED = 100.0
NOT_RUN = (
    "memory slope in a 30 minute soak",
    "120 % load for 60 s",
    "CT segmentation",
    "batching and business of a GPU",
)


def bars(arms: Arms, paced: str) -> list[Bar]:
    """Every bar that this run can speak of, log by log.

    Args:
        paced: the name of the arm at the modest rate, `P@20`.
    """
    found: list[Bar] = []
    for log in sorted({arm.log for arm in arms.values() if arm.log}):
        found += over_script(arms, log, paced)
        found += over_model(arms, log)
        found += at_hundred(arms, log)
        found += loaded(arms, log)
        found += real_ehr(arms, log)
    return found


def over_script(arms: Arms, log: str, paced: str) -> Iterator[Bar]:
    """Compare P with S.

    What one event takes longer when it is alone in the pipeline, and the time per event when there
    are many.
    """
    for model_ms, allowed in ((0, None), (20, 10.0), (100, 5.0)):
        script = arms.get(f"S fake {model_ms}ms")
        for label, arm in (
            ("one event", arms.get(f"{paced} {log} fake {model_ms}ms")),
            ("saturated", arms.get(f"P {log} fake {model_ms}ms")),
        ):
            if script is None or arm is None:
                continue
            one, other = (
                (arm.typical, script.typical)
                if label == "one event"
                else (arm.per_event, script.per_event)
            )
            what = f"{log}: P over S, {model_ms} ms model, {label}"
            if allowed is None:
                yield Bar(what, round((one - other) * 1000, 2), 3.0, "ms")
            else:
                yield Bar(what, round((one / other - 1) * HUNDRED, 1), allowed, "%")


def over_model(arms: Arms, log: str) -> Iterator[Bar]:
    """P against M at 100 ms: how much of a slow model's time is lost around it."""
    model, arm = arms.get("M 100ms"), arms.get(f"P {log} fake 100ms")
    if model and arm:
        yield Bar(
            f"{log}: P over M, 100 ms model, saturated",
            round((arm.per_event / model.per_event - 1) * HUNDRED, 1),
            7.0,
            "%",
        )


def at_hundred(arms: Arms, log: str) -> Iterator[Bar]:
    """Added latency at 100 events/s: P's latency less S's median."""
    script, many, arm = (
        arms.get("S fake 0ms"),
        arms.get(f"P {log} fake 0ms"),
        arms.get(f"P@100 {log} fake 0ms"),
    )
    if script is None or many is None:
        return
    note = "" if arm else f"not run: it saturates at {1 / many.per_event:.0f} events/s here"
    for q, bar in ((0.5, 10.0), (0.99, 30.0)):
        value = added(arm, script, q) if arm else None
        yield Bar(
            f"{log}: added latency at 100 events/s, p{q * HUNDRED:.0f}", value, bar, "ms", note=note
        )


def loaded(arms: Arms, log: str) -> Iterator[Bar]:
    """p99 at 80 % of saturation against the service time, which is S's median."""
    script, arm = arms.get("S fake 0ms"), arms.get(f"P@80% {log} fake 0ms")
    if script and arm:
        p99 = arm.at(0.99)
        yield Bar(
            f"{log}: p99 at 80 % load over the service time",
            None if p99 is None else round(p99 / script.typical, 2),
            3.0,
            "x",
        )


def real_ehr(arms: Arms, log: str) -> Iterator[Bar]:
    """Events per second at a real EHR against a script with as many writers."""
    script, arm = arms.get("S8 sekmet 0ms"), arms.get(f"P {log} sekmet 0ms")
    if script and arm:
        share = round(script.per_event / arm.per_event * HUNDRED, 1)
        yield Bar(
            f"{log}: events/s at sekmet against S with 8 writers", share, 95.0, "%", at_most=False
        )


def added(arm: Arm, script: Arm, q: float) -> float | None:
    """Milliseconds by which a percentile of the arm lies above the script's median."""
    value = arm.at(q)
    return None if value is None else round((value - script.typical) * 1000, 2)
