"""A run: EHR after EHR, every arm in turn, then the long loads.

A part that fails is reported and left out; what was measured before stays.
"""

import gc
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psutil

from benchmarks.arms.before import checkout
from benchmarks.arms.endurance import overload, soak
from benchmarks.arms.world import world
from benchmarks.measures import Arm
from benchmarks.parts import lacking_hapi
from benchmarks.plan import WRITERS, Plan, measured, tasks, under_load
from benchmarks.report.document import Measured
from shared.errors import CareloopError

TOO_MUCH: Final = 1.2
WARM_REAL: Final = 100
"""Events that a real EHR sees before it is measured: HAPI's Java compiles itself meanwhile."""

FAULTS: Final = (RuntimeError, OSError, CareloopError, httpx.HTTPError, psutil.Error)
"""What a part may end in: a process died, a server did not answer."""

Say = Callable[[str], None]
Keep = Callable[[Measured], None]


@dataclass(frozen=True)
class Asked:
    """What a run shall measure.

    Attributes:
        against: the commit of P0; empty: none.
        soak: minutes; 0: none.
    """

    plan: Plan
    logs: Sequence[str]
    ehrs: Sequence[str]
    against: str
    soak: float
    seed: int


def run(asked: Asked, say: Say, keep: Keep) -> Measured:
    """Measure all of the request.

    Args:
        keep: gets what is measured so far, after each part.
    """
    for name in [name for name in os.environ if name.startswith("CARELOOP_")]:
        del os.environ[name]  # the settings of a clinic that happen to be set here
    gc.freeze()  # as a service does: an event that is due would wait for a full collection
    made = Measured(asked.plan.rate, asked.seed)
    for ehr in asked.ehrs:
        if ehr == "hapi" and (lack := lacking_hapi()):
            made.not_measured.append(f"HAPI FHIR: {lack}")
            say(made.not_measured[-1])
            continue
        with _reporting(made, ehr, say):
            _at(ehr, asked, made, say, keep)
        keep(made)
    if asked.soak:
        with _reporting(made, "soak", say), world("fake", asked.logs, asked.seed) as at:
            made.endured += soak(at, asked.soak, say)
    else:
        made.not_measured.append("memory slope in a 30 minute soak (`--soak 30`)")
    return made


@contextmanager
def _reporting(made: Measured, part: str, say: Say) -> Iterator[None]:
    """Report a failing part, and go on with the next."""
    try:
        yield
    except FAULTS as error:
        made.not_measured.append(f"{part}: broke off: {type(error).__name__}: {error}")
        say(made.not_measured[-1])


def _at(ehr: str, asked: Asked, made: Measured, say: Say, keep: Keep) -> None:
    """Measure every arm at one EHR."""
    rng = random.Random(f"{asked.seed} {ehr}")  # noqa: S311  # an order, not a secret

    def kept(arm: Arm) -> None:
        made.arms[arm.name] = arm
        keep(made)

    plan = asked.plan
    with ExitStack() as stack:
        before = _before(asked, made, say, stack) if ehr == "fake" and asked.against else None
        say(f"starting {ehr} and {', '.join(asked.logs)}")
        at = stack.enter_context(world(ehr, asked.logs, asked.seed, before))
        if ehr != "fake":
            at.script(WARM_REAL, 0, WRITERS)
        made.arms |= measured(tasks(at, plan), plan.blocks, rng, say, kept)
        if ehr == "fake" and plan.loaded:
            loads = under_load(at, plan, made.arms)
            made.arms |= measured(loads, plan.blocks, rng, say, kept)
    if ehr == "fake" and plan.overload_sec:
        _overload(asked, made, say)


def _before(asked: Asked, made: Measured, say: Say, stack: ExitStack) -> Path | None:
    """Check out the commit of P0; a clone may lack it, and then P0 alone is left out."""
    say(f"checking out {asked.against}")
    try:
        root = stack.enter_context(checkout(asked.against))
    except (RuntimeError, OSError) as error:
        made.not_measured.append(f"P0: {error}")
        say(made.not_measured[-1])
        return None
    made.commit = asked.against
    return root


def _overload(asked: Asked, made: Measured, say: Say) -> None:
    """Load each pipeline with 120 % of its capacity, on a fresh EHR."""
    with world("fake", asked.logs, asked.seed) as at:
        for log in at.pipelines:
            rate = TOO_MUCH / made.arms[f"P {log} fake 0ms"].per_event
            say(f"120 % load: {log}, {rate:.0f} events/s for {asked.plan.overload_sec:.0f} s")
            made.endured.append(overload(at, log, asked.plan.overload_sec, rate))
