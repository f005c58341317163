"""Fixtures of the tests of the index."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from services.review.worklist.feed import Feed
from services.review.worklist.index import INDEX, Index
from tests.fakes import SEKMET, FakeEhr
from tests.integration.worklist.feeding import opened
from tests.integration.worklist.ward import Ward

FeedAt = Callable[..., Feed]
WardAt = Callable[..., Ward]


@pytest.fixture
def fake() -> Iterator[FakeEhr]:
    with FakeEhr(SEKMET) as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / INDEX


@pytest.fixture
def feed_at(file: Path) -> Iterator[FeedAt]:
    """A feed of its own at an EHR, as another process has it."""
    with ExitStack() as closed:

        def made(base: str, at: Path = file, *, batches: bool = True) -> Feed:
            ehr = closed.enter_context(opened(base, batches=batches))
            index = closed.enter_context(closing(Index(at)))
            return Feed(ehr, index)

        yield made


@pytest.fixture
def ward_at() -> Iterator[WardAt]:
    """A record at an EHR that holds nothing yet."""
    with ExitStack() as closed:

        def made(base: str, seed: int, patients: int = 12) -> Ward:
            return closed.enter_context(closing(Ward(base, seed, patients)))

        yield made


@pytest.fixture
def ward(fake: FakeEhr, ward_at: WardAt) -> Ward:
    """A record with some heads in every outcome."""
    made = ward_at(fake.base, 3)
    for _ in range(80):
        made.change()
    return made


@pytest.fixture
def feed(feed_at: FeedAt, fake: FakeEhr, ward: Ward) -> Feed:
    """One that has built the index."""
    made = feed_at(fake.base)
    made.sweep()
    return made
