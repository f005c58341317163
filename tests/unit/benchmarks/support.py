"""Arms as a run would have measured them."""

from typing import Final

from benchmarks.arms.blocks import Block
from benchmarks.measures import Arm

PACED: Final = "P modest"
RATE: Final = {0: 20.0, 20: 10.0, 100: 4.0}


def arm(
    name: str, *latencies_ms: float, log: str = "", ehr: str = "fake", model_ms: int = 0
) -> Arm:
    """One block, one event after the other."""
    seconds = [latency / 1000 for latency in latencies_ms]
    return Arm(name, log, ehr, model_ms, (Block(sum(seconds), seconds),))


def pipeline(name: str, *latencies_ms: float, ehr: str = "fake", model_ms: int = 0) -> Arm:
    """One block of a pipeline on SQLite."""
    return arm(name, *latencies_ms, log="sqlite", ehr=ehr, model_ms=model_ms)
