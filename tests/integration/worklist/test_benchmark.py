"""`python -m benchmarks.worklist`, small: it fills, builds, looks and tells."""

import pytest

from benchmarks.listed.fill import fill
from benchmarks.worklist import BEGIN, FILTERS, MOST_REQUESTS, measured
from services.review.lists.show import ACKNOWLEDGED
from services.review.worklist.kept.query import Filter
from tests.fakes import FakeEhr
from tests.integration.worklist.conftest import FeedAt
from tests.integration.worklist.feeding import ROOT, opened


def test_a_small_run_opens_every_kind_of_page_and_counts_what_it_costs() -> None:
    run = measured(110, 10, 4)
    kinds = {kind.kind: kind for kind in run.kinds}
    assert {f"by {kind}" for kind in FILTERS} < set(kinds)
    assert len(kinds["the first 40 pages"].seconds) == 5
    assert len(kinds["back from the last page"].seconds) == 4
    assert all(kind.seconds and min(kind.seconds) > 0 for kind in run.kinds)
    assert 1 <= run.requests <= MOST_REQUESTS
    written = run.written()
    assert "| by a word | 4 |" in written and "110 open results" in written
    assert "and 5 that were decided on or withdrawn." in written


@pytest.mark.parametrize("results", [1, 60])
def test_closed_results_stand_beside_the_open_ones(
    fake: FakeEhr, feed_at: FeedAt, results: int
) -> None:
    feed = feed_at(fake.base)
    with opened(fake.base) as ehr:
        filled = fill(ehr, results, 5, lambda _: None)
    feed.sweep()
    counts = feed.index.page(Filter()).counts
    assert counts["requested"] == len(filled.tasks) == results
    assert counts["completed"] >= 1 and counts["cancelled"] >= 1
    assert counts["completed"] + counts["cancelled"] == len(filled.closed)


def test_what_is_asked_for_is_what_the_list_offers() -> None:
    asked = {query.split("=")[1] for query in FILTERS["an acknowledgement"]}
    assert asked == set(ACKNOWLEDGED)


def test_the_page_has_a_place_for_what_is_measured() -> None:
    assert BEGIN in (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
