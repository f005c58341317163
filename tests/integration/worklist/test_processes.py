"""Several processes share the file: one feeds it, and any may build it anew."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from services.review.worklist import feed as feeds
from services.review.worklist.feed import Feed
from services.review.worklist.index import Index
from services.review.worklist.kept.query import Filter
from services.review.worklist.kept.rows import Change
from services.review.worklist.listing import State, state
from shared.ehr.opening import open_ehr
from shared.errors import Unavailable
from shared.settings import load_settings
from tests.fakes import FakeEhr
from tests.integration.worklist import rows
from tests.integration.worklist.conftest import FeedAt
from tests.integration.worklist.feeding import Feeding, opened
from tests.integration.worklist.ward import Ward

SOON_SEC = 10.0


class Process:
    """A feed on a thread, with its own connections; `sent` counts its requests to the EHR."""

    def __init__(self, base: str, file: Path) -> None:
        self.sent = 0
        self._ehr = open_ehr(load_settings(fhir_url=base), sent=self._count)
        self.feed = Feed(self._ehr, Index(file))
        self._thread = threading.Thread(target=self.feed.run)
        self._thread.start()

    def _count(self, _: str) -> None:
        self.sent += 1

    def end(self) -> None:
        self.feed.close()
        self._thread.join()
        self._ehr.close()


@pytest.fixture
def begin(
    fake: FakeEhr, ward: Ward, file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Process]]:
    monkeypatch.setattr(feeds, "SWEEP_SEC", 0.05)
    begun: list[Process] = []

    def process() -> Process:
        begun.append(Process(fake.base, file))
        return begun[-1]

    yield process
    for each in begun:
        each.end()


def soon(holds: Callable[[], bool]) -> bool:
    """Wait until it holds."""
    deadline = time.monotonic() + SOON_SEC
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_one_of_two_feeds_the_file_and_the_other_goes_on_when_it_ends(
    begin: Callable[[], Process], ward: Ward, fake: FakeEhr
) -> None:
    first = begin()
    assert soon(lambda: first.sent > 0)
    second = begin()
    assert soon(lambda: rows.of_index(second.feed.index) == rows.of_ehr(fake.base))
    time.sleep(0.3)
    assert second.sent == 0

    first.end()
    ward.begin()
    assert soon(lambda: rows.of_index(second.feed.index) == rows.of_ehr(fake.base))
    assert second.sent > 0


def test_after_a_kill_another_one_goes_on_when_the_lease_ends(
    begin: Callable[[], Process], fake: FakeEhr, file: Path
) -> None:
    now = time.time()
    with closing(Index(file)) as index:
        assert index.lease("killed", now + 1.0, now)
    second = begin()
    assert soon(lambda: second.sent > 0) and time.time() >= now + 1.0
    assert soon(lambda: rows.of_index(second.feed.index) == rows.of_ehr(fake.base))


def test_who_builds_it_anew_has_it_alone(
    begin: Callable[[], Process], feed_at: FeedAt, fake: FakeEhr
) -> None:
    running = begin()
    assert soon(lambda: running.feed.index.fact("complete") is not None)
    counts: list[int] = []

    def progress(_: int) -> None:
        time.sleep(0.3)  # a look that had begun before is over
        counts.append(running.sent)
        time.sleep(0.5)
        counts.append(running.sent)

    builder = feed_at(fake.base)
    builder.rebuild(progress)
    assert len(counts) >= 2 and counts[0] == counts[1]
    assert soon(lambda: running.sent > counts[-1]), "it goes on at once"


class Robbed(Index):
    """Another process takes the right to feed it as soon as it was given."""

    def lease(self, holder: str, until: float, now: float, *, by_force: bool = False) -> bool:
        given = super().lease(holder, until, now, by_force=by_force)
        super().lease("other", until, now, by_force=True)
        return given


def test_who_lost_the_lease_builds_no_further(
    ward: Ward, fake: FakeEhr, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    feed = Feed(opened(fake.base), Robbed(file))
    running = threading.Thread(target=feed.run)
    running.start()
    try:
        assert soon(lambda: "another process feeds the worklist" in caplog.text)
        assert feed.index.fact("complete") is None
    finally:
        feed.close()
        running.join()


def test_a_closed_feed_sweeps_no_more(feed: Feed) -> None:
    feed.index.note(swept="before")
    feed.close()
    feed.sweep()
    assert feed.index.fact("swept") == "before"


def test_no_page_sweeps_where_a_thread_is_to_begin(ward: Ward, fake: FakeEhr, file: Path) -> None:
    feed = Feed(opened(fake.base), Index(file))
    feed.reserve()
    before = len(fake.requests)
    feed.refresh()
    assert len(fake.requests) == before and feed.index.fact("swept") is None
    feed.close()


def test_a_good_index_is_shown_as_it_is_while_the_ehr_is_away(
    feed: Feed, feed_at: FeedAt, fake: FakeEhr, tmp_path: Path
) -> None:
    feed.index.note(swept="2020-01-01T00:00:00.000Z")
    fake.faults.fail(1_000, 503, path="Task")
    feed.refresh()
    assert state(feed.index) == State(True, "2020-01-01T00:00:00.000Z")
    with pytest.raises(Unavailable):
        feed_at(fake.base, tmp_path / "another").refresh()


def test_two_that_feed_it_at_once_spoil_nothing(
    ward: Ward, fake: FakeEhr, file: Path, feed_at: FeedAt
) -> None:
    with Feeding(fake.base, file, 1) as one, Feeding(fake.base, file, 2) as other:
        for each in (one, other):
            each.start()
        for _ in range(200):
            ward.change()
        for each in (one, other):
            each.kill()
    last = feed_at(fake.base)
    last.sweep()
    assert rows.of_index(last.index) == rows.of_ehr(fake.base)


def test_what_another_process_wrote_meanwhile_stands(feed: Feed, ward: Ward) -> None:
    [*waiting] = feed.index.page(Filter()).entries
    known = feed.index.marks(each.entry.task for each in waiting)
    while ward.own() and feed.index.marks(known) == known:
        feed.sweep()
    [task] = [t for t, mark in feed.index.marks(known).items() if mark != known[t]]
    [late] = [each.entry for each in waiting if each.entry.task == task]

    stands = rows.of_index(feed.index)
    for stale in (Change(task, late, known[task]), Change(task, None, known[task])):
        assert feed.index.apply([stale]) == {task}
    assert rows.of_index(feed.index) == stands
