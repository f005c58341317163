"""`python -m benchmarks.loop`.

What the loop costs around a model. docs/performance.md says how to read it.

Three arms, interleaved block by block in a seeded order: M the model alone, S a straight-line
script with the same parse, model, validation and write, P the whole pipeline. Absolute times are
this machine's; the ratios are what counts.
"""

import json
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from benchmarks.arms import Block
from benchmarks.bars import bars
from benchmarks.markdown import into
from benchmarks.measures import MODELS_MS, Arm, Arms, by_name, ratios, regressions
from benchmarks.report import machine, shown, written
from benchmarks.world import World, world

BASELINE: Final = Path(__file__).with_name("baseline.json")
REPORT: Final = Path("build/benchmark.json")
WRITERS: Final = 8
WIDTH: Final = 120  # the tables' own; a narrower terminal would cut words in them


@dataclass(frozen=True)
class Plan:
    """How much of each.

    Attributes:
        events: of one block at saturation, by the model's milliseconds.
        blocks: how often each arm is measured.
        paced: events of one block at the modest rate, by the model's milliseconds.
        rate: that rate, by the model's milliseconds (a serial model of 100 ms takes 10 a second).
        loaded: events of the one block at 100 events/s and of the one at 80 % load; 0: neither.
        real: events of one block at sekmet.
    """

    events: dict[int, int]
    blocks: int
    paced: dict[int, int]
    rate: dict[int, float]
    loaded: int
    real: int


FULL: Final = Plan(
    {0: 250, 20: 60, 100: 25}, 3, {0: 170, 20: 60, 100: 20}, {0: 20.0, 20: 10.0, 100: 4.0}, 600, 60
)
QUICK: Final = Plan(
    {0: 120, 20: 40, 100: 10}, 1, {0: 100, 20: 25, 100: 10}, {0: 20.0, 20: 10.0, 100: 4.0}, 0, 40
)


@dataclass(frozen=True)
class Task:
    """One block to measure: which arm it is of, and how."""

    arm: Arm
    measure: Callable[[], Block]


def tasks_at_fake(at: World, plan: Plan) -> list[Task]:
    """One round: every arm once, for each model."""
    found: list[Task] = []
    for model in MODELS_MS:
        count, paced, rate = plan.events[model], plan.paced[model], plan.rate[model]
        if model:
            found.append(Task(Arm("M", "", "", model, ()), partial(at.model_alone, count, model)))
        found.append(Task(Arm("S", "", at.name, model, ()), partial(at.script, count, model)))
        for log in at.pipelines:
            found.append(
                Task(Arm("P", log, at.name, model, ()), partial(at.at_once, log, count, model))
            )
            found.append(
                Task(
                    Arm("P modest", log, at.name, model, ()),
                    partial(at.paced, log, paced, model, rate),
                )
            )
    return found


def tasks_at_sekmet(at: World, plan: Plan) -> list[Task]:
    """One round at a real EHR.

    A script with the pipeline's number of writers, and the pipeline.
    """
    found = [
        Task(Arm(f"S{WRITERS}", "", at.name, 0, ()), partial(at.script, plan.real, 0, WRITERS))
    ]
    for log in at.pipelines:
        found.append(Task(Arm("P", log, at.name, 0, ()), partial(at.at_once, log, plan.real, 0)))
    return found


def under_load(at: World, plan: Plan, arms: Arms) -> Iterator[Arm]:
    """100 events/s where saturation lies above that, and 80 % of saturation."""
    for log in at.pipelines:
        most = 1 / arms[f"P {log} fake 0ms"].per_event
        if most > 110:
            yield Arm("P@100", log, at.name, 0, (at.paced(log, plan.loaded, 0, 100.0),))
        yield Arm("P@80%", log, at.name, 0, (at.paced(log, plan.loaded, 0, 0.8 * most),))


def measured(
    round_of: Sequence[Task], blocks: int, rng: random.Random, say: Callable[[str], None]
) -> list[Arm]:
    """Every task `blocks` times, each round in another order."""
    found = {task.arm.name: task.arm for task in round_of}
    for number in range(blocks):
        for task in rng.sample(round_of, len(round_of)):
            say(f"block {number + 1} of {blocks}: {task.arm.name}")
            before = found[task.arm.name]
            found[task.arm.name] = replace(before, blocks=(*before.blocks, task.measure()))
    return list(found.values())


def run(
    plan: Plan, logs: Sequence[str], ehrs: Sequence[str], seed: int, say: Callable[[str], None]
) -> Arms:
    """All arms that were asked for."""
    for name in [name for name in os.environ if name.startswith("CARELOOP_")]:
        del os.environ[name]  # the settings of a clinic that happen to be set here
    rng = random.Random(seed)  # noqa: S311  # an order, not a secret
    found: list[Arm] = []
    for ehr in ehrs:
        say(f"starting {ehr} and {', '.join(logs)}")
        with world(ehr, logs, seed) as at:
            tasks = tasks_at_fake(at, plan) if ehr == "fake" else tasks_at_sekmet(at, plan)
            found += measured(
                tasks, plan.blocks if ehr == "fake" else min(2, plan.blocks), rng, say
            )
            if ehr == "fake" and plan.loaded:
                say("under load")
                found += under_load(at, plan, by_name(found))
    return by_name(found)


def chosen(known: Sequence[str]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """A comma-separated option."""

    def parse(_: click.Context, __: click.Parameter, value: str) -> list[str]:
        names = [name.strip() for name in value.split(",") if name.strip()]
        if not names or set(names) - set(known):
            raise click.BadParameter(f"a comma-separated list of: {', '.join(known)}")
        return names

    return parse


def baseline(path: Path) -> dict[str, float]:
    """The stored ratios. UsageError when there are none."""
    try:
        stored: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))["ratios"]
    except (OSError, ValueError, KeyError) as error:
        raise click.UsageError(
            f"{path}: no baseline ({type(error).__name__}); store one with --store"
        ) from None
    return stored


@click.command(help=__doc__)
@click.option(
    "--events",
    type=click.IntRange(5),
    help="Events of one block at saturation with a 0 ms model; the others follow in proportion. "
    "Default: 250.",
)
@click.option(
    "--quick",
    is_flag=True,
    help="About a minute: one block each, no load test. Good for a look, too short for "
    "percentiles.",
)
@click.option(
    "--logs",
    default="sqlite,kafka",
    show_default=True,
    callback=chosen(("sqlite", "kafka")),
    help="The event logs of arm P.",
)
@click.option(
    "--ehr",
    "ehrs",
    default="fake,sekmet",
    show_default=True,
    callback=chosen(("fake", "sekmet")),
    help="FakeEhr (in memory), sekmet (real).",
)
@click.option(
    "--seed", default=1, show_default=True, help="Of the order of the blocks and of the arrivals."
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=REPORT,
    show_default=True,
    help="Where everything measured is written.",
)
@click.option(
    "--docs",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Put the tables between the markers of this file.",
)
@click.option(
    "--check", is_flag=True, help="Fail when a P/S ratio is more than 15 % above the baseline's."
)
@click.option(
    "--store", is_flag=True, help=f"Keep this run's ratios as the baseline ({BASELINE.name})."
)
def main(
    events: int | None,
    *,
    quick: bool,
    logs: list[str],
    ehrs: list[str],
    seed: int,
    json_file: Path,
    docs: Path | None,
    check: bool,
    store: bool,
) -> None:
    console, progress = Console(), Console(stderr=True)
    console.width = max(console.width, WIDTH)
    before = baseline(BASELINE) if check else {}
    plan = QUICK if quick else FULL
    if events:
        plan = replace(
            plan,
            events={m: max(5, round(n * events / plan.events[0])) for m, n in plan.events.items()},
        )
    arms = run(
        plan, logs, ehrs, seed, lambda line: progress.print(line, style="dim", highlight=False)
    )
    found, judged = ratios(arms, "P modest"), bars(arms, "P modest")
    shown(console, arms, found, judged, plan.rate)
    document: dict[str, Any] = written(arms, found, judged, plan.rate, seed)
    json_file.parent.mkdir(parents=True, exist_ok=True)
    json_file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    progress.print(
        f"everything measured, as JSON: {json_file}", style="dim", highlight=False, soft_wrap=True
    )
    if docs:
        into(docs, document)
    if store:
        BASELINE.write_text(
            json.dumps({"machine": machine(), "ratios": found}, indent=1) + "\n", encoding="utf-8"
        )
    worse = regressions(found, before)
    for line in worse:
        console.print(
            f"worse than the baseline by more than 15 %: {line}",
            style="red",
            highlight=False,
            soft_wrap=True,
        )
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
