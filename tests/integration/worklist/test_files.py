"""The file of the index may be damaged, lost or another version's: it is built anew."""

import itertools
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from stat import S_IMODE

import pytest

from services.review.worklist.feed import Feed
from services.review.worklist.index import Index
from services.review.worklist.kept.file import File
from services.review.worklist.kept.query import Filter
from services.review.worklist.kept.schema import Damaged, identity, remove_file
from services.review.worklist.listing import state
from shared.errors import Misconfigured, Unavailable
from tests.fakes import FakeEhr
from tests.integration.worklist import rows
from tests.integration.worklist.conftest import FeedAt
from tests.integration.worklist.feeding import ROOT
from tests.integration.worklist.ward import Ward

PAGE, LEAVES = 4096, (10, 13)
"""SQLite: the size of a page, and the first byte of a leaf of an index, of a table."""
WRITE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from services.review.worklist.feed import Feed
from services.review.worklist.index import Index
from tests.integration.worklist.feeding import opened
feed = Feed(opened(sys.argv[1]), Index(Path(sys.argv[2])))
feed.sweep()
os.kill(os.getpid(), signal.SIGKILL)
"""


def garbage(file: Path) -> None:
    file.write_bytes(os.urandom(3 * PAGE))


def halved(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def emptied(file: Path) -> None:
    os.truncate(file, 0)


def torn(file: Path) -> None:
    """Pages in the middle are garbage, the header is whole."""
    with file.open("r+b") as open_file:
        for page in range(2, file.stat().st_size // PAGE, 2):
            open_file.seek(page * PAGE)
            open_file.write(os.urandom(PAGE))


def mixed(file: Path) -> None:
    """Leaves stand twice, as after half a checkpoint: each page is whole."""
    content = file.read_bytes()
    pages = range(PAGE, len(content), PAGE)
    pairs = [(a, b) for a, b in itertools.pairwise(pages) if content[a] == content[b] in LEAVES]
    assert pairs
    with file.open("r+b") as open_file:
        for one, other in pairs:
            open_file.seek(other)
            open_file.write(content[one : one + PAGE])


def replaced(file: Path) -> None:
    """Another file lies there, as after a copy."""
    file.unlink()
    garbage(file)


def without_a_table(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("DROP TABLE heads")


def of_another_version(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 99")
        db.execute("ALTER TABLE heads RENAME COLUMN created TO begun")
        db.commit()


DAMAGES = [garbage, halved, emptied, torn, mixed, replaced, without_a_table, of_another_version]


def again(feed: Feed) -> None:
    """Sweep; the first may be the one that finds the damage."""
    with suppress(Unavailable):
        feed.sweep()
    feed.sweep()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_was_damaged_while_nobody_had_it_is_built_anew(
    feed: Feed, ward: Ward, fake: FakeEhr, file: Path, damage: Callable[[Path], None]
) -> None:
    expected = rows.of_ehr(fake.base)
    assert rows.of_index(feed.index) == expected
    feed.index.close()
    damage(file)
    again(feed)
    assert rows.of_index(feed.index) == expected


@pytest.mark.parametrize("damage", [garbage, halved, emptied, torn, replaced])
def test_a_file_that_is_damaged_while_open_is_built_anew(
    feed: Feed, ward: Ward, fake: FakeEhr, file: Path, damage: Callable[[Path], None]
) -> None:
    with closing(sqlite3.connect(file)) as db:  # what the WAL holds would mend it
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(file)
    for _ in range(20):
        ward.change()
    again(feed)
    assert rows.of_index(feed.index) == rows.of_ehr(fake.base)


def test_a_file_that_was_lost_while_open_says_so_and_is_built_anew(
    feed: Feed, ward: Ward, fake: FakeEhr, file: Path
) -> None:
    before = feed.index.changes()
    for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
        file.with_name(name).unlink()
    assert feed.index.page(Filter()).total == 0
    assert not state(feed.index).is_complete, "the page says that results are missing"
    feed.sweep()
    assert rows.of_index(feed.index) == rows.of_ehr(fake.base)
    assert feed.index.changes() > before, "open tabs hear of it"


def test_who_finds_the_damage_second_keeps_what_the_first_began_anew(file: Path) -> None:
    with closing(Index(file)) as other, closing(File(file)) as late:
        with pytest.raises(Unavailable), late.reading():
            remove_file(file, identity(file))
            other.note(complete="yes")
            raise Damaged
        assert other.fact("complete") == "yes"
        with late.reading() as db:
            assert db.execute("SELECT value FROM facts WHERE name = 'complete'").fetchone()


def test_who_finds_the_damage_first_begins_anew(file: Path) -> None:
    with closing(Index(file)) as other, closing(File(file)) as first:
        other.note(complete="yes")
        with pytest.raises(Unavailable), first.reading():
            raise Damaged
        assert other.fact("complete") is None


@pytest.mark.parametrize(
    "wrong", ["SELECT nothing FROM heads", "SELECT nothing()", "DROP INDEX nothing", "SELEC"]
)
def test_a_mistake_in_a_statement_is_no_damage(file: Path, wrong: str) -> None:
    with closing(Index(file)) as index, closing(File(file)) as used:
        index.note(complete="yes")
        with pytest.raises(Unavailable), used.reading() as db:
            db.execute(wrong)
        assert index.fact("complete") == "yes"


@pytest.mark.parametrize("lost", ["-wal", "-shm"])
def test_what_sqlite_keeps_beside_it_may_be_lost_after_a_kill(
    feed_at: FeedAt, ward: Ward, fake: FakeEhr, file: Path, lost: str
) -> None:
    command = [sys.executable, "-c", WRITE_AND_DIE, fake.base, str(file)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    file.with_name(file.name + lost).unlink()
    for _ in range(20):
        ward.change()
    feed = feed_at(fake.base)
    again(feed)
    assert rows.of_index(feed.index) == rows.of_ehr(fake.base)


def test_nobody_but_its_owner_reads_it(feed: Feed, file: Path) -> None:
    feed.index.close()
    for path in file.parent.glob(f"{file.name}*"):
        path.chmod(0o644)
    feed.sweep()
    found = {path.name: S_IMODE(path.stat().st_mode) for path in file.parent.glob(f"{file.name}*")}
    assert set(found) == {file.name, f"{file.name}-wal", f"{file.name}-shm"}
    assert set(found.values()) == {0o600}


def test_a_place_that_can_t_be_written_is_named(feed_at: FeedAt, fake: FakeEhr, file: Path) -> None:
    file.mkdir()
    with pytest.raises(Misconfigured, match="CARELOOP_STATE_DIR"):
        feed_at(fake.base).sweep()
