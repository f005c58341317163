"""What of the record can't be read is no reason to list nothing, or to ask for ever."""

import time
from dataclasses import replace
from functools import partial

import pytest

from services.review.worklist.feed import Feed
from services.review.worklist.kept import doubts
from services.review.worklist.kept.query import Filter
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.integration.worklist import rows
from tests.integration.worklist.conftest import FeedAt, WardAt
from tests.integration.worklist.ward import Ward

SOON = doubts.DOUBT.replace("+ 5", "+ 0").replace("min(5 *", "min(0 *")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in doubt is looked at again at once."""
    monkeypatch.setattr(doubts, "DOUBT", SOON)


@pytest.fixture
def plain(fake: FakeEhr, feed_at: FeedAt) -> Feed:
    """A feed that reads one by one."""
    return feed_at(fake.base, batches=False)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("part", ["DiagnosticReport", "DetectedIssue", "Task"])
@pytest.mark.parametrize("status", [403, 500])
def test_what_could_not_be_read_once_is_read_later(
    fake: FakeEhr, ward: Ward, plain: Feed, part: str, status: int
) -> None:
    plain.sweep()
    while not (ward.begin() and len(fake.resources("DetectedIssue")) > 9):
        pass
    head = fake.resources("Task")[-1]
    fake.rest.delete("Task", head["id"])
    fake.rest.update("Task", head["id"], head)  # only a look tells that it lives
    path = f"Task/{head['id']}" if part == "Task" else part
    fake.faults.fail(4, status, method="GET", path=path)
    plain.sweep()
    fake.faults.end()
    plain.sweep()
    assert rows.of_index(plain.index) == rows.of_ehr(fake.base)
    assert not plain.index.doubts()


def test_what_can_never_be_read_changes_nothing_each_time(
    fake: FakeEhr, ward: Ward, plain: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doubts, "DOUBT", SOON)
    fake.faults.fail(9_999, 403, method="GET", path="DiagnosticReport")
    plain.sweep()
    listed = rows.of_index(plain.index)["requested"]
    assert listed and not any(row["text"] for row in listed)
    changes = plain.index.changes()
    for _ in range(3):
        plain.sweep()
    assert plain.index.changes() == changes, "open tabs are left alone"


def test_what_can_t_be_read_is_asked_for_ever_more_seldom(
    fake: FakeEhr, ward: Ward, plain: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.faults.fail(9_999, 403, method="GET", path="DiagnosticReport")
    plain.sweep()
    began, waits = time.time(), []
    for _ in range(12):
        waits.append(_until_due(plain, monkeypatch, began))
        plain.sweep()
    assert waits[0] == pytest.approx(5, abs=2)
    assert waits == sorted(waits) and 3000 < waits[-1] - waits[-2] <= 3610


def _until_due(feed: Feed, monkeypatch: pytest.MonkeyPatch, began: float) -> float:
    """Go on to the moment when something is to be read again; the seconds since the beginning."""
    at = began
    while True:
        monkeypatch.setattr("services.review.worklist.index.time.time", partial(float, at))
        if feed.index.doubts():
            return at - began
        at += 1 if at - began < 60 else 10


@pytest.mark.parametrize("broken", ["category", "conclusion", "subject"])
def test_a_report_that_is_not_shaped_as_r4_says_hides_no_result(
    feed_at: FeedAt, ward_at: WardAt, broken: str
) -> None:
    with FakeEhr(HAPI) as fake:
        ward = ward_at(fake.base, 5)
        while not fake.resources("DiagnosticReport"):
            ward.begin()
        feed = feed_at(fake.base, batches=False)
        for report in fake.resources("DiagnosticReport"):
            stored = fake.rest.store.versions("DiagnosticReport", report["id"])[-1]
            assert stored.resource
            stored.resource[broken] = [7]
        feed.sweep()
        waiting = [t["id"] for t in fake.resources("Task") if t["status"] == "requested"]
        listed = {each.entry.task for each in feed.index.page(Filter()).entries}
        assert waiting and set(waiting) <= listed


def test_while_nothing_changes_a_look_is_two_requests_and_no_change(
    feed: Feed, ward: Ward, fake: FakeEhr
) -> None:
    for patient in list(ward.patients)[:3]:  # two versions within the time that is looked back
        ward.gone.discard(patient)
        assert all(ward.rename() for _ in range(4))
    assert ward.restore()
    feed.sweep()
    changes, asked = feed.index.changes(), len(fake.requests)
    for _ in range(4):
        feed.sweep()
    assert feed.index.changes() == changes
    found = [path for _, path, _ in fake.requests[asked:]]
    assert found == ["Task/_history", "Patient/_history"] * 4


def test_a_patient_who_comes_after_her_result_gets_her_name(
    feed: Feed, ward: Ward, fake: FakeEhr
) -> None:
    patient = feed.index.page(Filter()).entries[0].entry.subject
    fake.rest.delete("Patient", patient.split("/")[1])
    feed.sweep()
    listed = feed.index.page(Filter(patient=patient)).entries
    assert listed and not any(each.patient for each in listed)
    ward.gone.add(patient)
    assert ward.find()
    feed.sweep()
    assert all(each.patient for each in feed.index.page(Filter(patient=patient)).entries)
    assert rows.of_index(feed.index) == rows.of_ehr(fake.base)


@pytest.mark.parametrize("says", ["survivor", "retired"])
def test_merged_records_are_found_by_either_name_whichever_names_the_other(
    feed_at: FeedAt, ward_at: WardAt, says: str
) -> None:
    """Where the server can't search by link, only what was read before tells of it."""
    with FakeEhr(replace(SEKMET, ignores_links=True)) as fake:
        ward = ward_at(fake.base, 4, patients=2)
        former, survivor = ward.patients
        for patient in ward.patients:
            assert ward.begin(patient)
        feed = feed_at(fake.base, batches=False)
        feed.sweep()
        assert ward.merge(says)
        feed.sweep()
        for patient, name in ((former, "Erika Ehemals"), (survivor, "Erika Heute")):
            _rename(fake, patient, name)
        feed.sweep()
        for words in ("Ehemals", "Heute", *ward.patients):
            subjects = {
                each.entry.subject
                for outcome in ("requested", "draft")
                for each in feed.index.page(Filter(outcome, patient=words)).entries
            }
            assert subjects == set(ward.patients), words


def _rename(fake: FakeEhr, patient: str, name: str) -> None:
    kind, id = patient.split("/")
    stands = fake.rest.store.current(kind, id)
    assert stands
    fake.rest.update(kind, id, stands | {"name": [{"text": name}]})
