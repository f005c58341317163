"""The measurement of an arm: its times, and its cost at the EHR."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What a block used up.

    Attributes:
        requests: to the EHR, by the arm alone; each try counts, a batch is one.
        cpu_sec: of the EHR's process, in the arm's time.
        waited_sec: how long the threads of the arm's process and of the EHR's were ready to run and
            had no core; 0 where the kernel does not tell.
    """

    requests: int
    cpu_sec: float
    waited_sec: float


@dataclass(frozen=True)
class Block:
    """One arm, measured once.

    Attributes:
        seconds: from the first event's start to the last one's result.
        latencies: per event, from its start (paced: from when it was due) to its result.
        appends: per event, how long its durable append took; of a paced pipeline alone.
        cost: None where there is no EHR.
    """

    seconds: float
    latencies: Sequence[float]
    appends: Sequence[float] = ()
    cost: Cost | None = None
