"""After 1,000 random changes and kills of the feed the index says what the EHR says.

`CARELOOP_TEST_CHANGES` and `CARELOOP_TEST_SEED` make a longer or another run of it.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from services.review.worklist import feed as feeds
from services.review.worklist.index import INDEX, Index
from services.review.worklist.sweeps import building, cursor
from tests.fakes import HAPI, SEKMET, FakeEhr, Habits
from tests.integration.worklist import rows
from tests.integration.worklist.conftest import FeedAt, WardAt
from tests.integration.worklist.feeding import BEHIND, Feeding
from tests.peers import sekmet

CHANGES: Final = int(os.environ.get("CARELOOP_TEST_CHANGES", "1000"))
SEED: Final = int(os.environ.get("CARELOOP_TEST_SEED", "8"))
KILLS: Final = 12
LATE_SEC: Final = 0.5
FAKES: Final[dict[str, Habits]] = {
    "HAPI": HAPI,
    "no history": replace(HAPI, refuses=frozenset({"_history"})),
    "late index": replace(SEKMET, index_late_sec=LATE_SEC, refuses=frozenset({"_history"})),
    "no versions": replace(HAPI, keeps_versions=False),
    "no times": replace(HAPI, dates_resources=False),
    "no batches": replace(SEKMET, batches=False),
}


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor, "OVERLAP", BEHIND)
    for module in (cursor, building):
        monkeypatch.setattr(module, "SKEW", BEHIND)


@contextmanager
def serving(server: str, folder: Path) -> Iterator[str]:
    if server == "sekmet":
        with sekmet(folder / "ehr") as peer:
            yield peer.base
    else:
        with FakeEhr(FAKES[server]) as fake:
            yield fake.base


@pytest.mark.parametrize("server", ["sekmet", *FAKES])
def test_the_index_equals_the_ehr_whatever_happened(
    server: str,
    tmp_path: Path,
    feed_at: FeedAt,
    ward_at: WardAt,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changes = CHANGES if server in ("sekmet", "HAPI") else CHANGES // 5
    with serving(server, tmp_path) as base:
        ward, feed = ward_at(base, SEED), feed_at(base)
        with Feeding(base, tmp_path / INDEX, SEED) as feeding:
            for number in range(KILLS):
                feeding.start()
                for _ in range(changes // KILLS):
                    ward.change()
                _let_live(feed.index, ward.rng.uniform(0, 0.2), sweeps=number % 3 == 2)
                feeding.kill()
        for _ in range(changes % KILLS + 5):
            ward.change()

        time.sleep(2 * LATE_SEC)
        expected = rows.of_ehr(base)
        assert len(feed.index.tasks()) > changes / 20, (
            "the feeds that were killed did next to nothing"
        )
        assert sum(map(len, expected.values())) > changes / 10
        if "_history" in FAKES.get(server, SEKMET).refuses:  # nobody tells of deletes
            monkeypatch.setattr(feeds, "FULL", timedelta())
            feed.sweep()  # how the server is read is known from here on
        feed.sweep()
        assert rows.of_index(feed.index) == expected

        anew = feed_at(base, tmp_path / "anew" / INDEX)
        anew.sweep()
        assert rows.of_index(anew.index) == expected


def _let_live(index: Index, seconds: float, *, sweeps: bool) -> None:
    """Let the feed go on for a moment, or until it has swept once more."""
    swept, deadline = index.fact("swept"), time.monotonic() + 60
    time.sleep(seconds)
    while sweeps and index.fact("swept") == swept:
        assert time.monotonic() < deadline
        time.sleep(0.02)
