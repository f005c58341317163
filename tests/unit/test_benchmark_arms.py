"""The arms on real parts: they write what they measure, and a wrong outcome is an error, not a
number.
"""

from pathlib import Path

import pytest

from benchmarks import arms
from benchmarks.arms import prepare, result, results, script, write_new
from benchmarks.fake_ehr import FakeEhr
from benchmarks.words import WORDS, analyze
from benchmarks.world import world
from shared.ehr.client import open_ehr
from shared.events import ResourceEvent
from shared.runtime.line import Line, at_ehr
from shared.settings import Settings


def test_the_script_writes_one_report_per_event_and_reads_its_time_from_the_ehr(
    tmp_path: Path,
) -> None:
    with FakeEhr() as fake, open_ehr(Settings(fhir_url=fake.base, state_dir=tmp_path)) as ehr:
        line = Line(WORDS, ehr, None, Settings(fhir_url=fake.base, state_dir=tmp_path), at_ehr(ehr))
        patients = write_new(ehr, [{"resourceType": "Patient"}] * 2)
        block = script(line, prepare(ehr, patients, 0, 6, 20), writers=2)
        assert len(fake.resources("DiagnosticReport")) == 6
        assert len(block.latencies) == 6 and min(block.latencies) > 0.02 and block.seconds > 0.06


def test_an_event_without_a_result_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arms, "LONGEST_SEC", 0.2)
    with FakeEhr() as fake, open_ehr(Settings(fhir_url=fake.base, state_dir=tmp_path)) as ehr:
        [patient] = write_new(ehr, [{"resourceType": "Patient"}])
        [prepared] = prepare(ehr, [patient], 0, 1, 0)
        with pytest.raises(RuntimeError, match="1 of 1 events have no result"):
            results(ehr, [prepared])
        line = Line(WORDS, ehr, None, Settings(fhir_url=fake.base, state_dir=tmp_path), at_ehr(ehr))
        line.fail(ResourceEvent(prepared.reference, "1", "create", patient), "broken")
        with pytest.raises(RuntimeError, match="failed"):
            result(ehr, prepared.reference)


def test_the_model_takes_as_long_for_a_batch_as_for_each() -> None:
    assert arms.model_alone(3, 20).seconds >= 0.06
    assert analyze([]) == []


@pytest.mark.timeout(120)
def test_the_pipeline_runs_in_a_process_of_its_own_and_stops_between_blocks() -> None:
    with world("fake", ["sqlite"], seed=1) as at:
        once, paced = at.at_once("sqlite", 12, 0), at.paced("sqlite", 12, 0, 50.0)
        assert len(once.latencies) == len(paced.latencies) == 12
        assert paced.seconds >= 12 / 50 * 0.5 and min(paced.latencies) > 0
        assert at.pipelines["sqlite"].process.poll() is None
    assert at.pipelines["sqlite"].process.poll() == 0, "it ends with its standard input"
