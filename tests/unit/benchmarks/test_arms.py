"""The arms on real parts: they write what they measure, and a wrong outcome is an error, not a
number.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from benchmarks.arms import results as looked
from benchmarks.arms import script
from benchmarks.arms.endurance import overload, soak
from benchmarks.arms.meters import Sent, waited_sec
from benchmarks.arms.pipeline import REQUESTS
from benchmarks.arms.prepared import Prepared, prepare, write_new
from benchmarks.arms.results import ends, result, results
from benchmarks.arms.world import World, world
from benchmarks.fake_ehr import FakeEhr
from benchmarks.words import WORDS, analyze
from shared.ehr.ahead import reading
from shared.ehr.client import Ehr
from shared.ehr.guard.abilities import Abilities
from shared.ehr.opening import open_ehr
from shared.events import ResourceEvent
from shared.runtime.line import Line, at_ehr
from shared.settings import Settings


@pytest.fixture
def fake() -> Iterator[FakeEhr]:
    with FakeEhr() as fake:
        yield fake


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def ehr(fake: FakeEhr, sent: Sent, tmp_path: Path) -> Iterator[Ehr]:
    settings = Settings(fhir_url=fake.base, state_dir=tmp_path)
    with open_ehr(settings, sent=sent) as ehr:
        yield ehr


@pytest.fixture
def line(ehr: Ehr, tmp_path: Path) -> Line:
    return Line(WORDS, ehr, None, Settings(fhir_url=ehr.base, state_dir=tmp_path), at_ehr(ehr))


def events(ehr: Ehr, count: int, model_ms: int = 0) -> list[Prepared]:
    patients = write_new(ehr, [{"resourceType": "Patient"}] * 2)
    return prepare(ehr, patients, 0, count, model_ms)


def test_the_script_writes_one_report_per_event_and_reads_its_time_from_the_ehr(
    fake: FakeEhr, ehr: Ehr, line: Line
) -> None:
    prepared = events(ehr, 6, 20)
    begun = script.at_once(line, prepared, writers=2)
    assert len(fake.resources("DiagnosticReport")) == 6
    taken = [end - start for start, end in zip(begun, results(ehr, prepared), strict=True)]
    assert min(taken) > 0.02 and max(taken) < 10


def test_the_paced_script_waits_until_an_event_is_due_and_is_late_rather_than_early(
    ehr: Ehr, line: Line
) -> None:
    prepared = events(ehr, 3)
    moments = script.paced(line, prepared, [0.05, 0.2, 0.0])
    assert [round(b - a, 6) for a, b in pairwise(moments)] == [0.2, 0.0]
    finished = results(ehr, prepared)
    assert all(end >= moment - 0.001 for moment, end in zip(moments, finished, strict=True))
    assert finished[1] - finished[0] > 0.1


def test_an_event_without_a_result_is_an_error(
    ehr: Ehr, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looked, "LONGEST_SEC", 0.2)
    [prepared] = events(ehr, 1)
    with pytest.raises(RuntimeError, match="1 of 1 events have no result"):
        results(ehr, [prepared])
    line.fail(ResourceEvent(prepared.reference, "1", "create", "Patient/1"), "broken")
    with pytest.raises(RuntimeError, match="failed"):
        result(ehr, prepared.reference)


def test_after_a_long_load_each_event_is_counted_as_done_lost_or_wrong(
    ehr: Ehr, line: Line
) -> None:
    done, lost, wrong = events(ehr, 3)
    script.straight(line, done.message)
    line.fail(ResourceEvent(wrong.reference, "1", "create", "Patient/1"), "broken")
    found, *counts = ends(ehr, [done, lost, wrong])
    assert len(found) == 1 and counts == [1, 1]


def test_requests_are_counted_one_by_one(fake: FakeEhr, ehr: Ehr, line: Line, sent: Sent) -> None:
    prepared = events(ehr, 8)
    before, asked = sent.count, len(fake.requests)
    script.at_once(line, prepared, writers=4)
    assert sent.count - before == len(fake.requests) - asked > 8


def test_each_try_counts_and_a_batch_is_one_request(fake: FakeEhr, ehr: Ehr, sent: Sent) -> None:
    [patient] = write_new(ehr, [{"resourceType": "Patient"}])
    able = ehr.able(Abilities(batches=True))
    for ask, count in (
        (lambda: ehr.read(patient), 1),
        (lambda: able.ahead([reading(patient), reading("Patient/none")]).read(patient), 1),
        (lambda: (fake.faults.fail(1, 503, retry_after="0"), ehr.read(patient)), 2),
    ):
        before, asked = sent.count, len(fake.requests)
        ask()
        assert sent.count - before == len(fake.requests) - asked == count


def test_threads_that_wait_for_a_core_are_found_by_their_number() -> None:
    if not Path("/proc/self/schedstat").exists():
        assert waited_sec(psutil.Process().pid) == {}
        return
    assert str(psutil.Process().pid) in waited_sec(psutil.Process().pid)


def test_the_model_takes_as_long_for_a_batch_as_for_each() -> None:
    assert min(script.model_alone(3, 20)) >= 0.02
    assert analyze([]) == []


@pytest.fixture(scope="module")
def at() -> Iterator[World]:
    with world("fake", ["sqlite"], seed=1) as at:
        yield at
    assert at.pipelines["sqlite"].process.poll() == 0, "it ends with its standard input"


@pytest.mark.timeout(120)
def test_the_pipeline_runs_in_a_process_of_its_own_and_stops_between_blocks(at: World) -> None:
    arm = at.pipelines["sqlite"]
    once, paced = at.at_once(arm, 12, 0), at.paced(arm, 12, 0, 50.0)
    assert len(once.latencies) == len(paced.latencies) == len(paced.appends) == 12
    assert paced.seconds >= 12 / 50 * 0.5 and min(paced.latencies) > min(paced.appends) > 0
    assert arm.process.poll() is None


@pytest.mark.timeout(120)
def test_an_event_costs_as_many_requests_by_the_ehrs_count_as_by_the_services(at: World) -> None:
    arm = at.pipelines["sqlite"]
    with arm.running() as sink:
        meter, by_itself = at.meter_of(arm), arm.counted(REQUESTS)
        before, looked_before = meter.read(), at.watched.count
        prepared = at.prepared(5, 0)
        sink.send("careloop.events", [p.message for p in prepared])
        arm.finish(5)
        cost, own = meter.cost_since(before), arm.counted(REQUESTS) - by_itself
    assert at.watched.count > looked_before, "writing the notes was the watcher's"
    assert cost.requests == own >= 5 and cost.cpu_sec >= 0


@pytest.mark.timeout(120)
def test_script_and_pipeline_have_meters(at: World) -> None:
    script, paced = at.script(4, 0), at.script_paced(4, 0, 50.0)
    for block in (script, paced, at.at_once(at.pipelines["sqlite"], 4, 0)):
        assert block.cost and block.cost.requests / len(block.latencies) >= 2


@pytest.mark.timeout(120)
def test_a_long_load_is_sampled_and_every_event_is_looked_at(at: World) -> None:
    said: list[str] = []
    over = overload(at, "sqlite", 3.0, 12.0)
    [steady] = soak(at, 0.05, said.append)
    assert (over.events, over.lost, over.wrong) == (36, 0, 0) and over.drain_sec is not None
    assert over.per_sec < 18, "the rate is measured"
    assert (steady.events, steady.lost, steady.wrong) == (30, 0, 0) and said
    assert over.samples and over.samples[0].rss > 1e6 and over.samples[0].descriptors > 3
