"""`python -m benchmarks.worklist`, small: it fills, builds, looks and tells."""

from benchmarks.worklist import BEGIN, FILTERS, MOST_REQUESTS, measured
from tests.integration.worklist.feeding import ROOT


def test_a_small_run_opens_every_kind_of_page_and_counts_what_it_costs() -> None:
    run = measured(110, 10, 4)
    kinds = {kind.kind: kind for kind in run.kinds}
    assert {f"by {kind}" for kind in FILTERS} < set(kinds)
    assert len(kinds["the first 40 pages"].seconds) == 5
    assert len(kinds["back from the last page"].seconds) == 4
    assert all(kind.seconds and min(kind.seconds) > 0 for kind in run.kinds)
    assert 1 <= run.requests <= MOST_REQUESTS
    assert "| by a word | 4 |" in run.written() and "110 open results" in run.written()


def test_the_page_has_a_place_for_what_is_measured() -> None:
    assert BEGIN in (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
