"""When an event had its result: its EHR says so (`meta.lastUpdated` of its head)."""

import time
from collections.abc import Sequence

from benchmarks.arms.prepared import Prepared
from benchmarks.words import WORDS
from shared import instants
from shared.answers import Answer, Head
from shared.ehr.client import Ehr

LONGEST_SEC = 120.0
LOOK_SEC = 1.0
"""Between two looks: ten a second took a tenth of a real EHR's time from the pipeline alone, since
the script is looked at when it has ended.
"""


class WrongEndError(RuntimeError):
    """An event ended in something else than one result."""


def results(ehr: Ehr, prepared: Sequence[Prepared]) -> list[float]:
    """Return the time of each event's result.

    In seconds since the epoch, to the EHR's millisecond. It looks rarely, so as not to disturb.

    Raises:
        RuntimeError: an event has no result after `LONGEST_SEC`, or more than one.
    """
    deadline = time.monotonic() + LONGEST_SEC
    found: list[float] = []
    for each in reversed(prepared):
        while (end := result(ehr, each.reference)) is None:
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"{len(prepared) - len(found)} of {len(prepared)} events have no result after "
                    f"{LONGEST_SEC:.0f} s"
                )
            time.sleep(LOOK_SEC)
        found.append(end)
    return found[::-1]


def result(ehr: Ehr, reference: str) -> float | None:
    """Return the time of the answer's result; None while it has none."""
    heads: Sequence[Head] = ehr.heads(Answer(WORDS.name, reference))
    if not heads or heads[0].outcome == "draft":
        return None
    if len(heads) > 1 or heads[0].outcome != "requested" or "report" not in heads[0].outputs:
        raise WrongEndError(f"an event ended as {[h.outcome for h in heads]}, not in one result")
    return instants.parse(heads[0].task["meta"]["lastUpdated"]).timestamp()


def ends(ehr: Ehr, prepared: Sequence[Prepared]) -> tuple[list[float], int, int]:
    """Return the events' ends, how many have no result, and how many a wrong one.

    For what runs to the end of its load: nothing is waited for.
    """
    found: list[float] = []
    lost = wrong = 0
    for each in prepared:
        try:
            end = result(ehr, each.reference)
        except WrongEndError:
            wrong += 1
            continue
        if end is None:
            lost += 1
        else:
            found.append(end)
    return found, lost, wrong
