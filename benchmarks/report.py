"""What a run shows to people and to programs."""

import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.bars import NOT_RUN
from benchmarks.measures import BEYOND, Arm, Arms, Bar, ms

GUESSES: Final = (
    f"p95 with fewer than {BEYOND * 20} samples and p99 with fewer than "
    f"{BEYOND * 100} would be guesses"
)
NO_LATENCY: Final = (
    f"Where - stands: {GUESSES}; events of P are appended at once, so their wait "
    "in the log is no latency."
)


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
    queued = arm.arm == "P"
    return {
        "arm": f"P at {rate[arm.model_ms]:g}/s" if arm.arm == "P modest" else arm.arm,
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
    }


def written(
    arms: Arms,
    found: Mapping[str, float],
    judged: Sequence[Bar],
    rate: Mapping[int, float],
    seed: int,
) -> dict[str, Any]:
    """Everything, for a JSON file."""
    return {
        "machine": machine(),
        "seed": seed,
        "arms": [row(arm, rate) for arm in ordered(arms)],
        "ratios": dict(found),
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
            for b in judged
        ],
        "not_measured": list(NOT_RUN),
    }


def ordered(arms: Arms) -> list[Arm]:
    """By EHR, model, arm and log."""
    return sorted(arms.values(), key=lambda a: (a.ehr == "sekmet", a.model_ms, a.arm, a.log))


def shown(
    console: Console,
    arms: Arms,
    found: Mapping[str, float],
    judged: Sequence[Bar],
    rate: Mapping[int, float],
) -> None:
    """Three tables."""
    table = Table(
        title="Arms: M model alone, S straight-line script (S8: 8 writers), P the whole pipeline",
        title_justify="left",
    )
    for name in (
        "arm",
        "log",
        "EHR",
        "model ms",
        "events",
        "blocks",
        "ms/event",
        "events/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
    ):
        table.add_column(name, justify="left" if name in ("arm", "log", "EHR") else "right")
    for arm in ordered(arms):
        table.add_row(*("-" if v is None else str(v) for v in row(arm, rate).values()))
    console.print(table)
    console.print(NO_LATENCY, style="dim", highlight=False)
    console.print(_ratios(found))
    console.print(_bars(judged))
    console.print(f"Not measured here: {'; '.join(NOT_RUN)}.", highlight=False)


def _ratios(found: Mapping[str, float]) -> Table:
    table = Table(title="Ratios", title_justify="left")
    table.add_column("what")
    table.add_column("ratio", justify="right")
    for name, value in found.items():
        table.add_row(name, f"{value:.2f}")
    return table


def _bars(judged: Sequence[Bar]) -> Table:
    table = Table(title="Bars", title_justify="left")
    for name in ("what", "measured", "bar", ""):
        table.add_column(name, justify="right" if name in ("measured", "bar") else "left")
    for bar in judged:
        verdict = {
            True: "[green]met[/]",
            False: "[red]not met[/]",
            None: bar.note or "not measured",
        }[bar.met]
        table.add_row(
            bar.what,
            "-" if bar.measured is None else f"{bar.measured} {bar.unit}",
            f"{'at most' if bar.at_most else 'at least'} {bar.bar:g} {bar.unit}",
            verdict,
        )
    return table
