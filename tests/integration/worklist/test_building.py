"""Building the index whole, whatever the EHR does meanwhile, and whatever it can't do."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.review.worklist.feed import Feed
from services.review.worklist.index import INDEX
from services.review.worklist.kept.query import Filter
from services.review.worklist.listing import state
from services.review.worklist.sweeps import building, cursor
from shared.answers import Answer
from shared.errors import Unavailable
from shared.fhir import heads
from shared.instants import now
from shared.json import Json
from tests.fakes import HAPI, SEKMET, FakeEhr, Habits
from tests.integration.worklist import rows
from tests.integration.worklist.conftest import FeedAt
from tests.integration.worklist.ward import Ward

MANY = 450
"""More than two pages of a search."""


def drafts(fake: FakeEhr, count: int = MANY) -> list[str]:
    """Heads of nobody, put into the server itself; their ids."""

    def draft(number: int) -> Json:
        answer = Answer("imaging", f"ImagingStudy/{number}")
        return heads.first_draft(answer, 1, subject=None, device="Device/1", now=now())

    habits, fake.rest.habits = fake.rest.habits, replace(fake.habits, checks_references=False)
    made = [fake.rest.create("Task", draft(number)) for number in range(count)]
    fake.rest.habits = habits
    return [str(answer.body["id"]) for answer in made if answer.body]


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written before a rebuild counts as old."""
    for module in (cursor, building):
        monkeypatch.setattr(module, "SKEW", timedelta(milliseconds=-1))
    monkeypatch.setattr(cursor, "OVERLAP", timedelta())


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("leaves", ["deleted", "taken back"])
def test_a_head_that_leaves_a_page_that_was_read_hides_no_other(
    fake: FakeEhr, feed_at: FeedAt, leaves: str
) -> None:
    """A server that counts pages by an offset shows the next head on no page."""
    ids = drafts(fake)
    gone: list[str] = []

    def leave(count: int) -> None:
        if count == 200:
            gone.append(ids[-7])  # the newest are on the first page
            if leaves == "deleted":
                fake.rest.delete("Task", gone[0])
            else:
                task = fake.rest.store.current("Task", gone[0])
                assert task
                plain = {k: v for k, v in task.items() if k != "identifier"}
                fake.rest.update("Task", gone[0], plain | {"status": "entered-in-error"})

    feed = feed_at(fake.base)
    feed.rebuild(leave)
    feed.sweep()
    assert feed.index.tasks() == set(ids) - set(gone)


@pytest.mark.parametrize("habits", [SEKMET, HAPI], ids=lambda habits: habits.name)
def test_a_server_that_does_not_search_by_a_system_alone_hides_nothing(
    habits: Habits, feed_at: FeedAt
) -> None:
    with FakeEhr(replace(habits, finds_systems=False)) as fake:
        ids = drafts(fake, 30)
        feed = feed_at(fake.base)
        feed.sweep()
        assert feed.index.tasks() == set(ids)


@pytest.mark.parametrize("status", [400, 422])
def test_a_search_that_is_refused_is_replaced_by_the_history(
    fake: FakeEhr, ward: Ward, feed_at: FeedAt, status: int
) -> None:
    fake.faults.fail(1, status, method="GET", path="Task")
    feed = feed_at(fake.base)
    feed.sweep()
    assert rows.of_index(feed.index) == rows.of_ehr(fake.base)


def test_what_broke_off_is_said_and_built_at_the_next_look(
    feed: Feed, ward: Ward, fake: FakeEhr
) -> None:
    drafts(fake)

    def away(count: int) -> None:
        fake.faults.fail(3, 401)

    with pytest.raises(Unavailable):
        feed.rebuild(away)
    assert not state(feed.index).is_complete
    fake.faults.end()
    feed.sweep()
    assert state(feed.index).is_complete
    assert rows.of_index(feed.index) == rows.of_ehr(fake.base)


def test_a_rebuild_makes_anew_what_it_knows_in_this_very_version(
    feed: Feed, ward: Ward, fake: FakeEhr
) -> None:
    """The line of a report is as of its head's last version, or of a rebuild."""
    report = next(r for r in fake.resources("DiagnosticReport"))
    for each in fake.resources("DiagnosticReport"):
        fake.rest.update("DiagnosticReport", each["id"], each | {"conclusion": "Said otherwise"})
    feed.sweep()
    assert not feed.index.page(Filter(text="otherwise")).entries
    feed.rebuild()
    assert report and feed.index.page(Filter(text="otherwise")).entries
    assert rows.of_index(feed.index) == rows.of_ehr(fake.base)


def test_another_file_of_the_same_ehr_holds_the_same(
    feed: Feed, ward: Ward, fake: FakeEhr, feed_at: FeedAt, tmp_path: Path
) -> None:
    for _ in range(30):
        ward.change()
    feed.sweep()
    other = feed_at(fake.base, tmp_path / "other" / INDEX)
    other.sweep()
    assert rows.of_index(other.index) == rows.of_index(feed.index)
