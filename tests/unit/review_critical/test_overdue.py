"""Overdue results in the index of the worklist: order, filter, counts, metric."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from services.review.critical.limits import Deadlines, Limits
from services.review.critical.measured import Overdue
from services.review.metrics import PageMetrics
from services.review.worklist.index import Index
from services.review.worklist.kept.entry import Entry, entry_of
from services.review.worklist.kept.query import Allowed, Filter, Place, place_of
from services.review.worklist.kept.rows import Change
from shared.errors import Unavailable
from shared.instants import instant
from tests.unit.review_critical.support import begun, drawn, seen

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LIMITS = Limits({"stat": timedelta(minutes=15), "urgent": timedelta(hours=4)})


def ago(**time: float) -> str:
    return instant(NOW - timedelta(**time))


def waits(task: str, priority: str, since: str, *, is_seen: bool = False) -> Entry:
    """An entry that waits since then."""
    head = drawn(begun(since), since, priority)
    entry = entry_of(seen(head, since) if is_seen else head, ())
    return replace(entry, task=task)


RECORD = (
    waits("urgent-new", "urgent", ago(hours=1)),
    waits("urgent-late", "urgent", ago(hours=5)),
    waits("urgent-seen", "urgent", ago(days=9), is_seen=True),
    waits("stat-new", "stat", ago(minutes=14)),
    waits("stat-late", "stat", ago(minutes=15)),
    waits("stat-seen", "stat", ago(days=9), is_seen=True),
    waits("routine-old", "routine", ago(days=30)),
    waits("routine-new", "routine", ago(days=1)),
    waits("asap-old", "asap", ago(days=30)),
)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    made = Index(tmp_path / "worklist.sqlite")
    made.apply(Change(entry.task, entry, None) for entry in RECORD)
    return made


EVERY = Filter()


def listed(index: Index, wanted: Filter = EVERY) -> list[str]:
    return [row.entry.task for row in index.page(wanted).entries]


def overdue(**more: object) -> Filter:
    return Filter(unseen=LIMITS.deadlines(NOW), **more)  # type: ignore[arg-type]


def test_in_each_class_the_overdue_come_first_and_the_acknowledged_last(index: Index) -> None:
    assert listed(index) == [
        "stat-late",
        "stat-new",
        "stat-seen",
        "asap-old",
        "urgent-late",
        "urgent-new",
        "urgent-seen",
        "routine-old",
        "routine-new",
    ]


def test_every_page_is_reached_in_that_order(index: Index) -> None:
    found: list[str] = []
    place: Place | None = None
    while entries := index.page(Filter(), place, 2).entries:
        found += [row.entry.task for row in entries]
        place = place_of("~".join(entries[-1].key), Filter(), is_before=False)
    assert found == listed(index)
    back = index.page(Filter(), place_of("~".join(place.key), Filter(), is_before=True), 2)
    assert [row.entry.task for row in back.entries] == found[-3:-1] and back.before == 6


@pytest.mark.parametrize("text", ["4~0~2026~a", "0~2~2026~a", "0~x~2026~a", "0~2026~a", "٣~0~2~a"])
def test_a_place_of_no_such_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        place_of(text, Filter(), is_before=False)


def test_the_filter_finds_what_is_overdue_in_classes_that_have_a_time(index: Index) -> None:
    assert listed(index, overdue()) == ["stat-late", "urgent-late"]
    assert listed(index, overdue(priority="stat")) == ["stat-late"]
    every = Filter(unseen=LIMITS.any_time())
    assert listed(index, every) == ["stat-late", "stat-new", "urgent-late", "urgent-new"]
    assert listed(index, Filter(unseen=())) == []


def test_only_what_waits_is_overdue(index: Index) -> None:
    [late] = [e for e in RECORD if e.task == "stat-late"]
    index.apply([Change("stat-late", replace(late, outcome="completed"), late.mark)])
    assert listed(index, overdue()) == ["urgent-late"]
    assert index.by_rank(overdue()) == {2: 1}
    assert index.page(overdue()).counts == {"requested": 1}


def test_they_are_counted_by_class_and_for_a_limited_login_hers_alone(index: Index) -> None:
    assert index.by_rank(overdue()) == {0: 1, 2: 1}
    nobody = Allowed(patients=frozenset({"Patient/2"}))
    assert index.by_rank(overdue(), nobody) == {}


def test_who_acknowledged_survives_in_the_index(index: Index) -> None:
    [entry] = [r.entry for r in index.page(Filter()).entries if r.entry.task == "stat-seen"]
    assert (entry.seen_by, entry.seen_name) == ("Practitioner/1", "Dr. Berg")
    assert entry.seen_at == ago(days=9) and entry == RECORD[5]


# --- metrics


def samples(count: Mapping[int, int] | Exception, swept: str | None) -> Mapping[str, float]:
    """The gauges' samples."""

    def counted(_: Deadlines) -> Mapping[int, int]:
        if isinstance(count, Exception):
            raise count
        return count

    registry = CollectorRegistry()
    registry.register(Overdue(LIMITS, counted, lambda: swept))
    found = [sample for metric in registry.collect() for sample in metric.samples]
    return {f"{s.name}{''.join(s.labels.values())}": s.value for s in found}


def test_the_gauge_tells_each_class_that_has_a_time_also_of_none() -> None:
    told = samples({0: 3, 1: 9}, instant(datetime.now(UTC) - timedelta(hours=1)))
    age = told.pop("careloop_review_worklist_age_seconds")
    assert told == {"careloop_review_overduestat": 3, "careloop_review_overdueurgent": 0}
    assert 3_599 < age < 3_660


@pytest.mark.parametrize(
    ("count", "swept"),
    [({0: 3}, None), (Unavailable("state", "the disk is full"), "2026-05-01T08:00:00.000Z")],
)
def test_what_can_t_be_told_has_no_sample(
    count: Mapping[int, int] | Exception, swept: str | None
) -> None:
    assert samples(count, swept) == {}, "no zero that looks like none overdue"


def observed(metrics: PageMetrics) -> Sequence[tuple[str, float]]:
    found = [s for m in metrics.registry.collect() for s in m.samples]
    name = "careloop_review_acknowledge_seconds_count"
    return [(s.labels["priority"], s.value) for s in found if s.name == name]


def test_the_wait_is_measured_once_and_of_urgent_results_alone() -> None:
    metrics = PageMetrics()
    head = drawn(begun(), ago(hours=1), "stat")
    metrics.seen(head.task, "stat")
    metrics.seen(seen(head).task, "stat")
    metrics.seen(drawn(begun(), ago(hours=1), "routine").task, "routine")
    assert observed(metrics) == [("stat", 1.0)]
