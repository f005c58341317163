"""The plan of a run: what is loaded and killed when, all of it from the seed (pure)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SEC_EACH: Final = 1.5
"""From one input to the next: two cores keep up with it, kills included."""
AWAY_SEC: Final = (0.0, 5.0)
"""How long a killed service stays away."""
OTHERS_AWAY_SEC: Final = 8.0
"""How long a killed broker or EHR stays away before it is started again."""


@dataclass(frozen=True)
class Kill:
    """One SIGKILL.

    Attributes:
        at_sec: since the beginning of the load.
        victim: a service, `broker` or `ehr`.
        away_sec: until it is started again.
    """

    at_sec: float
    victim: str
    away_sec: float


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        load_sec: how long the load takes.
        loads: when each input is loaded, in order; seconds.
        kills: in order.
    """

    load_sec: float
    loads: Sequence[float]
    kills: Sequence[Kill]


def plan(
    seed: int, inputs: int, kills: int, services: Sequence[str], others: Sequence[str]
) -> Plan:
    """Draw the plan.

    Args:
        services: killed at random, `kills` times in all.
        others: `broker`, `ehr`: killed once each, beside these.
    """
    rng = random.Random(seed)
    load_sec = inputs * SEC_EACH
    drawn = [
        Kill(rng.uniform(0, load_sec), rng.choice(services), rng.uniform(*AWAY_SEC))
        for _ in range(kills)
    ]
    drawn += [Kill(rng.uniform(0.2, 0.8) * load_sec, who, OTHERS_AWAY_SEC) for who in others]
    loads = sorted(rng.uniform(0, load_sec) for _ in range(inputs))
    return Plan(load_sec, loads, sorted(drawn, key=lambda kill: kill.at_sec))
