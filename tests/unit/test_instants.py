"""The order of FHIR times: by the moment, whatever the zone and the precision in which it was
written.
"""

import pytest

from shared.instants import same_moment, start


def test_times_are_in_the_order_in_which_they_happened() -> None:
    happened = (
        "no time at all",
        "2025",
        "2025-01-01T00:30:00Z",
        "2025-12",
        "2026-01-01",
        "2026-01-02T01:30:00+05:00",  # 1 January, 20:30 UTC
        "2026-01-01T21:00:00.5Z",
        "2026-01-01T20:00:00-02:00",  # 22:00 UTC
        "2026-01-02",
    )
    assert sorted(set(happened), key=start) == list(happened)
    assert sorted(happened) != list(happened), "as texts they are in another order"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "2026-13", "26"])
def test_what_is_no_time_comes_first(text: str) -> None:
    assert start(text) < start("0001-01-02")


@pytest.mark.parametrize("text", ["", "2026-01-01T20:00:00.5Z", "2026-01-01T22:00:00.500+02:00"])
def test_one_moment_is_the_same_in_any_zone_and_none_differs_from_none(text: str) -> None:
    assert same_moment(text, "2026-01-01T20:00:00.500Z")
    assert same_moment("2026-01-01T20:00:00.500Z", text)
    assert not same_moment("2026-01-01T20:00:00.700Z", "2026-01-01T20:00:00.500Z")


def test_what_is_no_time_stops_nothing() -> None:
    assert same_moment("yesterday", "yesterday")
    assert not same_moment("yesterday", "2026-01-01T20:00:00.500Z")
