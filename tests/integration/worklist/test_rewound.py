"""An EHR restored from a backup: the index goes back with it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from services.review.worklist.feed import Feed
from services.review.worklist.sweeps import building, cursor
from tests.fakes import FakeEhr
from tests.integration.worklist import rows
from tests.integration.worklist.conftest import FeedAt, WardAt
from tests.integration.worklist.ward import Ward

Step = Callable[[Ward], object]
CHANGES: dict[str, Step] = {
    "decided": Ward.decide,
    "begun": Ward.begin,
    "withdrawn": Ward.withdraw,
    "claimed": Ward.own,
    "deleted": Ward.delete,
    "a patient renamed": Ward.rename,
    "patients merged": Ward.merge,
    "a patient deleted": Ward.lose,
}


@pytest.fixture(autouse=True, params=[30.0, 0.05], ids=["lately", "long ago"])
def behind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How far a look goes back: over the backup, or not."""
    monkeypatch.setattr(cursor, "OVERLAP", timedelta(seconds=request.param))
    for module in (cursor, building):
        monkeypatch.setattr(module, "SKEW", timedelta(seconds=request.param))


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_done_since_the_backup_is_undone(
    feed: Feed, ward: Ward, fake: FakeEhr, change: str
) -> None:
    feed.rebuild()
    before, restore = rows.of_ehr(fake.base), fake.rest.store.backup()
    assert CHANGES[change](ward)
    feed.sweep()
    assert rows.of_index(feed.index) == rows.of_ehr(fake.base) != before or change in UNSEEN

    restore()
    feed.sweep()
    assert rows.of_index(feed.index) == before


UNSEEN = {"a patient deleted", "a patient renamed", "patients merged"}
"""Her heads may be none."""


def test_what_is_written_after_the_restore_counts(feed: Feed, ward: Ward, fake: FakeEhr) -> None:
    restore, known = fake.rest.store.backup(), {k: list(v) for k, v in ward.tasks.items()}
    for _ in range(20):
        ward.change()
    feed.sweep()
    restore()
    ward.tasks, ward.gone = known, set()
    for _ in range(20):  # their numbers were given before, to other contents
        ward.change()
    feed.sweep()
    assert rows.of_index(feed.index) == rows.of_ehr(fake.base)


def test_another_ehr_under_the_settings_is_another_list(
    feed: Feed, fake: FakeEhr, feed_at: FeedAt, ward_at: WardAt, file: Path
) -> None:
    with FakeEhr(fake.habits) as other:
        elsewhere = ward_at(other.base, 9)
        for _ in range(30):
            elsewhere.change()
        feed_at(other.base, file).sweep()
        assert rows.of_index(feed.index) == rows.of_ehr(other.base)
    feed.sweep()
    assert rows.of_index(feed.index) == rows.of_ehr(fake.base)
