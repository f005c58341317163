"""Intake: a storm of notifications makes few sweeps, and none is acknowledged too early."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.intake.notifications.marked import Marked
from services.intake.notifications.subscriptions import SECRET_HEADER
from services.intake.state import State
from services.intake.sweep import GLANCE
from shared.ehr.client import Version
from shared.ehr.opening import open_ehr
from shared.errors import Unavailable
from shared.fhir import codes
from shared.settings import Settings
from shared.stream.memory import MemoryLog
from tests.fakes import HAPI, FakeEhr
from tests.integration.intake.support import (
    SECRET,
    FailingSink,
    Intake,
    notification,
    post,
    settle,
)
from tests.integration.intake_changes.support import moment, version
from tests.toy import note

KIND = "DocumentReference"


@pytest.fixture
def fake() -> Iterator[FakeEhr]:
    with FakeEhr(HAPI) as made:
        yield made


@pytest.fixture
def intake(fake: FakeEhr, tmp_path: Path) -> Iterator[Intake]:
    settings = Settings(fhir_url=fake.base, state_dir=tmp_path, intake_since="1970-01-01T00:00:00Z")
    log = MemoryLog()
    log.create_topics(4, [])
    made = Intake(open_ehr(settings), log, log.sink(), settings, State(tmp_path / "intake.sqlite"))
    yield made
    made.close()


@pytest.fixture
def patient(intake: Intake) -> str:
    return intake.ehr.create({"resourceType": "Patient"}).reference


def sweeps(fake: FakeEhr) -> int:
    return [path for _, path, _ in fake.requests].count(f"{KIND}/_history")


def test_two_hundred_at_once_make_few_sweeps_and_all_are_acknowledged(
    fake: FakeEhr, intake: Intake, patient: str
) -> None:
    notes = [intake.ehr.create(note(patient, str(n))).reference for n in range(3)]
    marked, sweepers = Marked(intake.sweep), list[int]()
    fake.faults.latency_sec = 0.05

    def knock(_: int) -> None:
        marked.kind(KIND)
        sweepers.append(sum(t.name == f"sweep-{KIND}" for t in threading.enumerate()))

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(knock, range(200)))
    assert len(sweepers) == 200 and max(sweepers) <= 1
    # two that were written within a millisecond come in either order
    assert sorted(e.focus for e in intake.events()) == sorted(notes)
    assert 2 <= sweeps(fake) <= 60


def test_what_comes_during_a_sweep_makes_one_further_sweep(fake: FakeEhr, intake: Intake) -> None:
    began, go_on = threading.Event(), threading.Event()
    marked = Marked(intake.sweep)
    real = intake.ehr.history

    def history(kind: str, since: str) -> Iterator[Version]:
        began.set()
        assert go_on.wait(20)
        return real(kind, since)

    marked.sweep.publisher.ehr.history = history  # type: ignore[method-assign]
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(marked.kind, KIND)
        assert began.wait(20)
        later = [pool.submit(marked.kind, KIND) for _ in range(15)]
        time.sleep(0.2)
        assert not first.done() and not any(waiting.done() for waiting in later)
        go_on.set()
        for waiting in [first, *later]:
            waiting.result(20)
    assert sweeps(fake) == 2


def test_what_takes_longer_is_refused_in_time_and_published_all_the_same(
    fake: FakeEhr, intake: Intake, patient: str
) -> None:
    reference = intake.ehr.create(note(patient, "slow")).reference
    marked = Marked(intake.sweep, wait_sec=0.1)
    fake.faults.latency_sec = 0.5
    with pytest.raises(Unavailable, match="goes on"):
        marked.kind(KIND)
    assert settle(lambda: [e.focus for e in intake.events()] == [reference], 20)


def test_a_mark_that_failed_stays_for_the_next_one(intake: Intake, patient: str) -> None:
    first, second = (intake.ehr.create(note(patient, text)).reference for text in "ab")
    broken = Intake(intake.ehr, intake.log, FailingSink(), intake.settings, intake.state)
    marked = Marked(broken.sweep)
    for _ in range(2):
        with pytest.raises(Unavailable, match="broker"):
            marked.foci([first])
    object.__setattr__(marked.sweep.publisher, "sink", intake.sink)
    marked.foci([second])
    assert {e.focus for e in intake.events()} == {first, second}


def test_many_that_are_named_are_read_with_one_search(
    fake: FakeEhr, intake: Intake, patient: str
) -> None:
    notes = [intake.ehr.create(note(patient, str(n))).reference for n in range(30)]
    fake.requests.clear()
    body = notification("event-notification", list(enumerate(notes, 1)))
    app = intake.app()
    app.config["MAX_CONTENT_LENGTH"] = 100_000
    answer = app.test_client().post(f"/notify/{KIND}", json=body, headers={SECRET_HEADER: SECRET})
    assert answer.status_code == 200 and {e.focus for e in intake.events()} == set(notes)
    assert [path for _, path, _ in fake.requests] == [KIND]


@pytest.mark.parametrize("refused", [400, 403])
def test_where_a_search_by_id_is_refused_each_is_read(
    fake: FakeEhr, intake: Intake, patient: str, refused: int
) -> None:
    notes = [intake.ehr.create(note(patient, text)).reference for text in "ab"]
    fake.faults.fail(1, refused, method="GET", path=KIND)
    body = notification("event-notification", list(enumerate(notes, 1)))
    assert post(intake, body).status_code == 200
    assert {e.focus for e in intake.events()} == set(notes)


def test_a_notified_sweep_leaves_the_cursor_to_the_regular_one(
    intake: Intake, patient: str
) -> None:
    """What an EHR shows late, under an instant that a notified sweep went past, is found."""
    intake.sweep.all()
    before = intake.state.cursor(KIND)
    late = version(1, moment(timedelta(seconds=8)), f"{KIND}/late")
    newest = version(1, moment(), f"{KIND}/newest")
    listed: list[Any] = [newest]
    sweep = intake.sweep
    real = sweep.publisher.ehr.history
    sweep.publisher.ehr.history = lambda kind, since: (  # type: ignore[method-assign]
        iter([v for v in listed if v.time >= since]) if kind == KIND else real(kind, since)
    )
    assert sweep.glance(KIND) == 1
    listed.append(late)
    assert sweep.glance(KIND) == 0
    assert intake.state.cursor(KIND) == before
    sweep.all()
    assert {e.focus for e in intake.events()} == {late.reference, newest.reference}


def test_a_result_of_fifty_observations_has_one_event(intake: Intake, patient: str) -> None:
    def ours(kind: str, number: int) -> dict[str, Any]:
        return {
            "resource": {
                "resourceType": kind,
                "status": "preliminary",
                "code": {"coding": [{"system": codes.LOINC, "code": "84413-4"}]},
                "subject": {"reference": patient},
                "identifier": [
                    {"system": codes.SERVICE, "value": "genomics"},
                    {"system": "http://hospital.example", "value": f"{kind}-{number}"},
                ],
            },
            "request": {"method": "POST", "url": kind},
        }

    entries = [ours("Observation", n) for n in range(50)] + [ours("DiagnosticReport", 1)]
    intake.ehr.transact({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    intake.sweep.all()
    assert [e.type for e in intake.events()] == ["DiagnosticReport"]


@pytest.mark.parametrize("status", [500, 408, 421, 425])
def test_what_the_ehr_fails_at_is_left_to_the_sweep_and_keeps_no_other(
    fake: FakeEhr, intake: Intake, patient: str, status: int
) -> None:
    first, second = (intake.ehr.create(note(patient, text)).reference for text in "ab")
    marked = Marked(intake.sweep)
    fake.faults.fail(1000, status, method="GET", path=first)
    marked.foci([first])
    assert marked.sweep.asked.is_set()
    marked.foci([second])
    assert [e.focus for e in intake.events()] == [second]
    fake.faults.fail(4, status, method="GET", path=KIND)
    marked.foci([first, second])


def test_what_a_sweep_published_since_is_not_read_any_more(
    fake: FakeEhr, intake: Intake, patient: str
) -> None:
    first, second = (intake.ehr.create(note(patient, text)).reference for text in "ab")
    marked = Marked(intake.sweep)
    fake.faults.fail(1000, 502, method="GET", path=first)
    with pytest.raises(Unavailable, match="502"):
        marked.foci([first])
    marked.sweep.all()
    marked.sweep.swept[KIND] += GLANCE.total_seconds()
    marked.foci([second])
    assert [e.focus for e in intake.events()] == [first, second]


@pytest.mark.parametrize("began_later_sec", [0.5, 1.0, 1.9])
def test_what_a_sweep_was_not_shown_is_not_acknowledged_unread(
    fake: FakeEhr, intake: Intake, patient: str, began_later_sec: float
) -> None:
    """An EHR shows a big transaction late: the history had not got it when the sweep began."""
    first, second = (intake.ehr.create(note(patient, text)).reference for text in "ab")
    marked = Marked(intake.sweep)
    fake.faults.fail(1000, 502, method="GET", path=first)
    named = time.monotonic()
    with pytest.raises(Unavailable, match="502"):
        marked.foci([first])
    marked.sweep.swept[KIND] = named + began_later_sec
    marked.foci([second])
    assert {e.focus for e in intake.events()} == {first, second}
