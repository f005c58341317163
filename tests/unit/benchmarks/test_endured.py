"""What a soak and an overload say of a process: slopes that refuse to guess, nothing lost."""

import pytest

from benchmarks.arms.endurance import Endured, Sample
from benchmarks.report.endured import (
    endurance_bars,
    more_descriptors,
    second_half_percent,
    slope_percent,
)

MB = 1_000_000


def samples(minutes: int, mb_per_hour: float = 0.0, first: float = 100.0) -> list[Sample]:
    """A sample every 2 s; the first fifth grows fast, as a process that warms up."""
    end = minutes * 60
    found = []
    for at in range(0, end + 1, 2):
        cold = max(0.0, end / 5 - at) / end * 50
        found.append(Sample(float(at), int((first - cold + mb_per_hour * at / 3600) * MB), 20))
    return found


@pytest.mark.parametrize(("growth", "percent"), [(0.0, 0.0), (0.5, 0.5), (3.0, 3.0), (-2.0, -2.0)])
def test_a_slope_is_the_growth_in_an_hour_after_the_warm_up(growth: float, percent: float) -> None:
    assert slope_percent(samples(30, growth)) == pytest.approx(percent, abs=0.1)


def test_a_slope_needs_samples() -> None:
    assert slope_percent([]) is None and slope_percent(samples(30)[:10]) is None
    assert more_descriptors([]) is None and second_half_percent(samples(30)[:10]) is None


def test_descriptors_that_come_and_go_are_no_growth() -> None:
    swinging = [Sample(float(n), MB, 20 + n % 3) for n in range(100)]
    leaking = [Sample(float(n), MB, 20 + n // 30) for n in range(100)]
    assert more_descriptors(swinging) == 0 and more_descriptors(leaking) == 2


def test_an_overload_may_fill_memory_at_first_and_not_go_on() -> None:
    filling = [Sample(float(n), (100 + min(n, 30)) * MB, 20) for n in range(100)]
    growing = [Sample(float(n), (100 + n) * MB, 20) for n in range(100)]
    assert second_half_percent(filling) == 0.0
    assert (second_half_percent(growing) or 0.0) > 30


def test_bars_of_a_soak() -> None:
    fine = Endured("soak", "sqlite", 10.0, samples(30), 18000, 0, 0, 0.1)
    assert [bar.met for bar in endurance_bars([fine])] == [True, True, True]
    bad = Endured("soak", "sqlite", 10.0, samples(30, 20.0), 18000, 1, 0, 0.1)
    assert [bar.met for bar in endurance_bars([bad])] == [False, False, True]


@pytest.mark.parametrize(
    ("lost", "wrong", "drain", "met"),
    [(0, 0, 12.0, [True, True, True]), (0, 1, 30.0, [False, True, False])],
)
def test_bars_of_an_overload(lost: int, wrong: int, drain: float, met: list[bool]) -> None:
    over = Endured("120 %", "kafka", 100.0, samples(1), 6000, lost, wrong, drain)
    assert [bar.met for bar in endurance_bars([over])] == met


def test_an_overload_that_never_drains_says_so() -> None:
    over = Endured("120 %", "kafka", 100.0, samples(1), 6000, 500, 0, None)
    *_, drain = endurance_bars([over])
    assert drain.met is None and drain.note == "it did not drain"
