"""How much is measured, and the order of it."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from benchmarks.arms.blocks import Block
from benchmarks.arms.world import World
from benchmarks.measures import MODELS_MS, Arm, Arms, by_name
from benchmarks.report.bars import HUNDRED_NEEDS

WRITERS: Final = 8

Keep = Callable[[Arm], None]


@dataclass(frozen=True)
class Plan:
    """How much of each.

    Attributes:
        events: of one block at saturation, by the model's milliseconds.
        blocks: how often each arm is measured.
        paced: events of one block at the modest rate, by the model's milliseconds.
        rate: that rate, by the model's milliseconds (a serial model of 100 ms takes 10 a second).
        loaded: events of a block at 100 events/s and at 80 % load; 0: neither.
        real: events of one block at a real EHR.
        overload_sec: how long 120 % of saturation last; 0: not tried.
    """

    events: dict[int, int]
    blocks: int
    paced: dict[int, int]
    rate: dict[int, float]
    loaded: int
    real: int
    overload_sec: float

    def of_events(self, events: int) -> "Plan":
        """Take so many events with a 0 ms model, the others in proportion."""
        share = events / self.events[0]
        return replace(self, events={m: max(5, round(n * share)) for m, n in self.events.items()})


RATE: Final = {0: 20.0, 20: 10.0, 100: 4.0}
FULL: Final = Plan({0: 250, 20: 60, 100: 25}, 3, {0: 170, 20: 60, 100: 20}, RATE, 600, 200, 60.0)
QUICK: Final = Plan({0: 120, 20: 40, 100: 10}, 1, {0: 100, 20: 25, 100: 10}, RATE, 0, 40, 0.0)


@dataclass(frozen=True)
class Task:
    """One block to measure: its arm and its conditions."""

    arm: Arm
    measure: Callable[[], Block]


def tasks(at: World, plan: Plan) -> list[Task]:
    """Return one round: every arm once."""
    return list(_at_fake(at, plan) if at.name == "fake" else _at_real(at, plan))


def _at_fake(at: World, plan: Plan) -> Iterator[Task]:
    """The arms for each model: M, S, P, and S and P with one event alone.

    With 0 ms also the commit before.
    """
    for model in MODELS_MS:
        count, paced, rate = plan.events[model], plan.paced[model], plan.rate[model]

        def task(arm: str, log: str, measure: Callable[[], Block], model: int = model) -> Task:
            return Task(Arm(arm, log, at.name if arm != "M" else "", model, ()), measure)

        if model:
            yield task("M", "", partial(at.model_alone, count, model))
        yield task("S", "", partial(at.script, count, model))
        yield task("S modest", "", partial(at.script_paced, paced, model, rate))
        for log, arm in at.pipelines.items():
            yield task("P", log, partial(at.at_once, arm, count, model))
            yield task("P modest", log, partial(at.paced, arm, paced, model, rate))
        if not model:
            for log, arm in at.before.items():
                yield task("P0", log, partial(at.at_once, arm, count, model))


def _at_real(at: World, plan: Plan) -> Iterator[Task]:
    """A script with the pipeline's number of writers, and the pipeline."""
    script = partial(at.script, plan.real, 0, WRITERS)
    yield Task(Arm(f"S{WRITERS}", "", at.name, 0, ()), script)
    for log, arm in at.pipelines.items():
        yield Task(Arm("P", log, at.name, 0, ()), partial(at.at_once, arm, plan.real, 0))


def under_load(at: World, plan: Plan, arms: Arms) -> list[Task]:
    """Return one round of 80 % of saturation, and one of 100 events/s.

    The latter only where saturation lies above it.
    """
    found = []
    for log, arm in at.pipelines.items():
        most = 1 / arms[f"P {log} {at.name} 0ms"].per_event
        rates = {"P@80%": 0.8 * most} | ({"P@100": 100.0} if most > HUNDRED_NEEDS else {})
        for name, rate in rates.items():
            measure = partial(at.paced, arm, plan.loaded, 0, rate)
            found.append(Task(Arm(name, log, at.name, 0, ()), measure))
    return found


def measured(
    round_of: Sequence[Task],
    blocks: int,
    rng: random.Random,
    say: Callable[[str], None],
    keep: Keep,
) -> Arms:
    """Measure every task `blocks` times, each round in another order.

    Args:
        keep: gets an arm after each of its blocks.
    """
    found = {task.arm.name: task.arm for task in round_of}
    for number in range(blocks):
        for task in rng.sample(round_of, len(round_of)):
            before, began = found[task.arm.name], time.monotonic()
            block = task.measure()
            found[task.arm.name] = replace(before, blocks=(*before.blocks, block))
            keep(found[task.arm.name])
            took = time.monotonic() - began
            say(f"block {number + 1} of {blocks}: {task.arm.name} ({took:.0f} s)")
    return by_name(found.values())
