"""Within which time a result must be acknowledged, in words; the setting."""

from datetime import UTC, datetime, timedelta

import pytest

from services.review.critical.due import Due, due_of, span
from services.review.critical.limits import Limits, limits_of
from shared.errors import Misconfigured
from shared.fhir.urgency.acknowledgement import Acknowledgement
from shared.settings import load_settings

SINCE = "2026-05-01T08:00:00.000Z"
BEGUN = datetime(2026, 5, 1, 8, tzinfo=UTC)
LIMITS = Limits({"stat": timedelta(minutes=15), "urgent": timedelta(hours=4)})
BERG = Acknowledgement("Practitioner/1", "Dr. Berg", SINCE)


def after(**time: float) -> datetime:
    return BEGUN + timedelta(**time)


@pytest.mark.parametrize(
    ("priority", "now", "state", "words"),
    [
        ("stat", after(), "open", "Acknowledge within 15 min"),
        ("stat", after(minutes=2, seconds=30), "open", "Acknowledge within 12 min"),
        ("stat", after(minutes=14, seconds=30), "open", "Acknowledge within less than 1 min"),
        ("stat", after(minutes=14, seconds=59.999), "open", "Acknowledge within less than 1 min"),
        ("stat", after(minutes=15), "overdue", "Not acknowledged for 15 min"),
        ("urgent", after(minutes=15), "open", "Acknowledge within 3 h 45 min"),
        ("urgent", after(hours=4), "overdue", "Not acknowledged for 4 h"),
        ("urgent", after(days=3, hours=5), "overdue", "Not acknowledged for 3 days"),
        # our clock is behind: nobody has more time than the limit
        ("stat", after(hours=-2), "open", "Acknowledge within 15 min"),
    ],
)
def test_it_says_how_much_time_is_left_or_how_long_nobody_did_it(
    priority: str, now: datetime, state: str, words: str
) -> None:
    assert due_of(LIMITS, priority, SINCE, None, now) == Due(state, words)  # type: ignore[arg-type]


@pytest.mark.parametrize("since", ["", "soon"])
def test_what_waits_since_nobody_knows_when_is_overdue(since: str) -> None:
    due = due_of(LIMITS, "stat", since, None, BEGUN)
    assert due and due.state == "overdue" and "nobody knows since when" in due.words


def test_what_somebody_acknowledged_is_done() -> None:
    assert due_of(LIMITS, "stat", SINCE, BERG, after(days=2)) == Due("done", seen=BERG)


@pytest.mark.parametrize("priority", ["routine", "asap"])
def test_a_class_without_a_time_asks_nobody(priority: str) -> None:
    assert due_of(LIMITS, priority, SINCE, None, after(days=9)) is None  # type: ignore[arg-type]
    seen = due_of(LIMITS, priority, SINCE, BERG, after(days=9))  # type: ignore[arg-type]
    assert seen == Due("done", seen=BERG), "and what was said stays"


def test_the_sql_and_the_words_agree_on_the_limit() -> None:
    for now in (after(minutes=14, seconds=59.999), after(minutes=15), after(minutes=15.001)):
        due = due_of(LIMITS, "stat", SINCE, None, now)
        [(rank, at), _] = LIMITS.deadlines(now)
        assert rank == 0 and due and (due.state == "overdue") == (at >= SINCE)


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(), "less than 1 min"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(minutes=59.9), "59 min"),
        (timedelta(minutes=60), "1 h"),
        (timedelta(hours=47, minutes=59), "47 h 59 min"),
        (timedelta(hours=48), "2 days"),
    ],
)
def test_a_length_of_time_is_rounded_down(time: timedelta, words: str) -> None:
    assert span(time) == words


def test_the_defaults_ask_for_each_urgent_class() -> None:
    times = limits_of(load_settings()).times
    assert list(times) == ["stat", "asap", "urgent"]
    assert times["stat"] < times["asap"] < times["urgent"]


def test_a_hospital_sets_its_own_or_none() -> None:
    assert limits_of(load_settings(review_acknowledge='{"stat": 0.5}')).times == {
        "stat": timedelta(seconds=30)
    }
    assert limits_of(load_settings(review_acknowledge="{}")).deadlines(BEGUN) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "15",
        "[]",
        '{"stat": "15"}',
        '{"stat": 0}',
        '{"stat": -1}',
        '{"stat": true}',
        '{"stat": NaN}',
        '{"stat": Infinity}',
        '{"routine": 15}',
        '{"soon": 15}',
        '{"stat": null}',
    ],
)
def test_anything_else_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(Misconfigured, match="CARELOOP_REVIEW_ACKNOWLEDGE"):
        limits_of(load_settings(review_acknowledge=text))
