"""Clocks that differ or jump, times in any zone, and an EHR that does not heed what it is asked:
nothing stays unseen, nothing is told twice.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from shared.ehr.client import Version
from shared.instants import instant, parse
from tests.integration.intake_changes.support import NOTE, Intake, Scripted, moment, version
from tests.samples import value_of

YEAR = timedelta(days=365)
KIND = "DocumentReference"


@dataclass
class Heeding(Scripted):
    """Tells only what is not older than what it is asked for, as the standard says."""

    def history(self, kind: str, since: str) -> Iterator[Version]:
        yield from (
            v for v in super().history(kind, since) if not v.time or parse(v.time) >= parse(since)
        )


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    made = Intake(tmp_path, Heeding({}))
    yield made
    made.close()


def found(intake: Intake, *versions: Version, sweeps: int = 3) -> list[str]:
    """What sweeps over an EHR with these versions too add."""
    before = len(intake.events())
    intake.ehr.told[KIND] = [*intake.ehr.told.get(KIND, []), *versions]
    for _ in range(sweeps):
        assert intake.sweep() == {}
    return [e.focus for e in intake.events()[before:]]


def ahead(intake: Intake) -> float:
    return float(value_of(intake.health.ahead_sec, KIND))


def test_a_version_stamped_in_the_future_hides_nothing(
    intake: Intake, caplog: pytest.LogCaptureFixture
) -> None:
    assert found(
        intake,
        version(1, moment(timedelta(minutes=5))),
        version(1, moment(-YEAR), f"{KIND}/future"),
    ) == [NOTE, f"{KIND}/future"]
    assert [r.levelno for r in caplog.records if "ahead of our clock" in r.getMessage()] == [
        logging.WARNING
    ]
    assert ahead(intake) == pytest.approx(YEAR.total_seconds(), abs=60)
    assert found(intake, version(1, moment(), f"{KIND}/2")) == [f"{KIND}/2"]
    cursor = intake.state.cursor(KIND)
    assert cursor and parse(cursor) <= datetime.now(UTC)
    intake.ehr.told[KIND].pop(1)
    assert found(intake) == [] and ahead(intake) == 0


def test_a_cursor_that_a_former_version_left_in_the_future_is_brought_back(intake: Intake) -> None:
    intake.state.begin("1970-01-01T00:00:00.000Z")
    intake.state.advance(KIND, moment(-YEAR))
    assert found(
        intake, version(1, moment(timedelta(hours=5))), version(1, moment(), f"{KIND}/2")
    ) == [NOTE, f"{KIND}/2"]
    cursor = intake.state.cursor(KIND)
    assert cursor and parse(cursor) <= datetime.now(UTC)


@pytest.mark.parametrize("minutes", [-20, -1, 1, 20])
def test_an_ehr_whose_clock_differs_is_told_once_and_whole(intake: Intake, minutes: int) -> None:
    clock = timedelta(minutes=minutes)
    for n in range(1, 4):
        assert found(intake, version(1, moment(-clock), f"{KIND}/{n}")) == [f"{KIND}/{n}"]
    assert bool(ahead(intake)) == (minutes > 0)


def test_the_cursor_stands_at_the_newest_instant_not_at_the_greatest_text(intake: Intake) -> None:
    newest = datetime.now(UTC) - timedelta(minutes=1)
    earlier = (newest - timedelta(minutes=1)).astimezone(timezone(timedelta(hours=14)))
    found(
        intake,
        version(1, newest.astimezone(timezone(timedelta(hours=-12))).isoformat()),
        version(1, earlier.isoformat(), f"{KIND}/2"),
    )
    assert intake.state.cursor(KIND) == instant(newest)


@pytest.mark.parametrize(
    "time",
    [
        "9999-12-31T23:59:59-05:00",
        "0001-01-01T00:00:00+14:00",
        "2026-13-01T00:00:00Z",
        "yesterday",
        "",
    ],
)
def test_a_time_that_is_none_stops_nothing(intake: Intake, time: str) -> None:
    intake.ehr = Scripted({})  # the sweep's answer may hold anything
    assert sorted(found(intake, version(1, time), version(1, moment(), f"{KIND}/2"))) == [
        NOTE,
        f"{KIND}/2",
    ]


def test_an_ehr_that_tells_all_whatever_it_is_asked_makes_no_event_twice(
    intake: Intake, caplog: pytest.LogCaptureFixture
) -> None:
    intake.ehr = Scripted({})
    old = [version(1, moment(timedelta(hours=5, minutes=n)), f"{KIND}/old-{n}") for n in range(3)]
    assert len(found(intake, *old, version(1, moment()))) == 4
    assert found(intake) == []
    assert "does not heed the time" in caplog.text


def test_an_error_that_nobody_foresaw_stops_no_other_type_and_is_named(intake: Intake) -> None:
    intake.ehr = Scripted({"ImagingStudy": RuntimeError("no text"), KIND: [version(1, moment())]})
    assert intake.sweep() == {"ImagingStudy": "unexpected RuntimeError"}
    assert [e.focus for e in intake.events()] == [NOTE]
