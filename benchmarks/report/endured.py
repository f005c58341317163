"""The bars of a soak and of an overload, from the samples of a process (pure)."""

from collections.abc import Iterator, Sequence
from statistics import linear_regression, median
from typing import Final

from benchmarks.arms.endurance import Endured, Sample
from benchmarks.measures import Bar

WARM_SHARE: Final = 0.2
"""The first samples show what a process fills once: pools, caches, arenas."""
ENOUGH: Final = 20
"""Samples for a slope."""


def endurance_bars(endured: Sequence[Endured]) -> Iterator[Bar]:
    """Losses, memory, descriptors; of an overload also its end."""
    for each in endured:
        name = f"{each.log}: {each.load}"
        yield Bar(f"{name}, events without exactly one result", each.lost + each.wrong, 0.0, "")
        if each.load == "soak":
            yield Bar(f"{name}, memory slope", slope_percent(each.samples), 1.0, "%/h")
            yield Bar(f"{name}, more open descriptors", more_descriptors(each.samples), 0.0, "")
        else:
            grown = second_half_percent(each.samples)
            yield Bar(f"{name}, memory at the end over halfway", grown, 5.0, "%")
            note = "" if each.drain_sec is not None else "it did not drain"
            most = round(drain_at_most(each), 1)
            drained = None if each.drain_sec is None else round(each.drain_sec, 1)
            yield Bar(f"{name}, time to drain", drained, most, "s", note=note)


def drain_at_most(each: Endured) -> float:
    """Return twice the seconds of work left undone by a load of 120 %."""
    return 2 * 0.2 * each.events / each.per_sec


def slope_percent(samples: Sequence[Sample]) -> float | None:
    """Return the growth of memory in an hour, relative to its mean.

    It is a linear fit after the warm-up.

    None with too few samples: then it would be a guess.
    """
    steady = after_warm_up(samples)
    if len(steady) < ENOUGH:
        return None
    slope, _ = linear_regression([s.at for s in steady], [s.rss for s in steady])
    return round(slope * 3600 / median(s.rss for s in steady) * 100, 2)


def more_descriptors(samples: Sequence[Sample]) -> int | None:
    """Return the growth of open descriptors.

    It compares the most in the last quarter with the most in the first after the warm-up.
    """
    steady = after_warm_up(samples)
    if len(steady) < ENOUGH:
        return None
    quarter = len(steady) // 4
    first, last = steady[:quarter], steady[-quarter:]
    return max(s.descriptors for s in last) - max(s.descriptors for s in first)


def second_half_percent(samples: Sequence[Sample]) -> float | None:
    """Return how much larger the process is at the end of the load than halfway."""
    if len(samples) < ENOUGH:
        return None
    halfway, end = samples[len(samples) // 2].rss, samples[-1].rss
    return round((end / halfway - 1) * 100, 1)


def after_warm_up(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Leave out the first fifth of the time."""
    end = samples[-1].at if samples else 0.0
    return [sample for sample in samples if sample.at >= WARM_SHARE * end]
