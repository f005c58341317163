"""The benchmark's arithmetic: percentiles that refuse to guess, ratios, bars, regressions; and its
command line.
"""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import loop
from benchmarks.arms import Block
from benchmarks.bars import bars
from benchmarks.markdown import BEGIN, END, into
from benchmarks.measures import Arm, by_name, percentile, ratios, regressions
from benchmarks.report import written

PACED = "P modest"
RATE = {0: 20.0, 20: 10.0, 100: 4.0}


def arm(
    name: str, *latencies_ms: float, log: str = "", ehr: str = "fake", model_ms: int = 0
) -> Arm:
    """One block, one event after the other."""
    seconds = [latency / 1000 for latency in latencies_ms]
    return Arm(name, log, ehr, model_ms, (Block(sum(seconds), seconds),))


def pipeline(name: str, *latencies_ms: float, ehr: str = "fake", model_ms: int = 0) -> Arm:
    return arm(name, *latencies_ms, log="sqlite", ehr=ehr, model_ms=model_ms)


def test_a_percentile_needs_five_values_beyond_it() -> None:
    values = [float(n) for n in range(1, 501)]
    assert percentile(values, 0.99) == 495.0 and percentile(values[:499], 0.99) is None
    assert percentile(values[:100], 0.95) == 95.0 and percentile(values[:99], 0.95) is None


def test_a_disturbed_block_does_not_count() -> None:
    calm, disturbed = Block(1.0, [0.01] * 100), Block(9.0, [0.09] * 100)
    assert Arm("P", "sqlite", "fake", 0, (calm, disturbed, calm)).per_event == pytest.approx(0.01)


def test_ratios_compare_each_pipeline_with_the_script_of_its_ehr_and_model() -> None:
    arms = by_name(
        [
            arm("S", 10, 10),
            arm("S", 30, 30, model_ms=20),
            arm("M", 20, 20, ehr="", model_ms=20),
            arm("S8", 40, 40, ehr="sekmet"),
            pipeline("P", 5, 5),
            pipeline("P", 24, 24, model_ms=20),
            pipeline("P", 50, 50, ehr="sekmet"),
            pipeline(PACED, 12, 12),
        ]
    )
    assert ratios(arms, PACED) == {
        "P/S saturated sqlite fake 0ms": 0.5,
        "P/S saturated sqlite fake 20ms": 0.8,
        "P/M saturated sqlite fake 20ms": 1.2,
        "P/S8 saturated sqlite sekmet 0ms": 1.25,
        "P/S one event sqlite fake 0ms": 1.2,
    }


def test_bars_say_met_not_met_or_why_they_were_not_measured() -> None:
    arms = by_name(
        [
            arm("S", 10, 10),
            pipeline("P", 12.5, 12.5),
            pipeline(PACED, 14, 14),
            arm("S8", 9, 9, ehr="sekmet"),
            pipeline("P", 10, 10, ehr="sekmet"),
        ]
    )
    found = {bar.what: bar for bar in bars(arms, PACED)}
    assert found["sqlite: P over S, 0 ms model, saturated"].met is True
    one = found["sqlite: P over S, 0 ms model, one event"]
    assert one.met is False and one.measured == 4.0
    assert found["sqlite: events/s at sekmet against S with 8 writers"].met is False
    unmeasured = found["sqlite: added latency at 100 events/s, p50"]
    assert unmeasured.met is None and "80 events/s" in unmeasured.note


def test_added_latency_is_measured_against_the_scripts_median() -> None:
    hundred = pipeline("P@100", *([15.0] * 490 + [60.0] * 10))
    found = {
        bar.what: bar
        for bar in bars(by_name([arm("S", 10, 10), pipeline("P", 5, 5), hundred]), PACED)
    }
    assert found["sqlite: added latency at 100 events/s, p50"].measured == 5.0
    assert (
        found["sqlite: added latency at 100 events/s, p99"].measured == 50.0
        and not found["sqlite: added latency at 100 events/s, p99"].met
    )


def test_only_p_over_s_ratios_over_fifteen_percent_are_regressions() -> None:
    before = {
        "P/S one event sqlite fake 0ms": 1.0,
        "P/S saturated sqlite fake 0ms": 1.0,
        "P/M saturated sqlite fake 20ms": 1.0,
        "P/S of a log not run": 1.0,
    }
    now = {
        "P/S one event sqlite fake 0ms": 1.16,
        "P/S saturated sqlite fake 0ms": 1.14,
        "P/M saturated sqlite fake 20ms": 2.0,
    }
    assert regressions(now, before) == ["P/S one event sqlite fake 0ms: 1.16, was 1.00"]


def test_events_that_were_appended_at_once_have_no_latency_in_the_report() -> None:
    document = written(by_name([pipeline("P", 5, 500), pipeline(PACED, 12, 14)]), {}, [], RATE, 1)
    once, paced = document["arms"]
    assert once["p50_ms"] is None and once["per_event_ms"] == 252.5
    assert paced["arm"] == "P at 20/s" and paced["p50_ms"] == 13.0 and paced["p99_ms"] is None


def test_check_fails_the_command_on_a_regression_and_json_holds_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arms = by_name([arm("S", 10, 10), pipeline("P", 12, 12), pipeline(PACED, 12, 12)])
    monkeypatch.setattr(loop, "run", lambda *_: arms)
    monkeypatch.setattr(loop, "BASELINE", tmp_path / "baseline.json")
    monkeypatch.chdir(tmp_path)
    call = CliRunner().invoke
    assert "no baseline" in call(loop.main, ["--check"]).output
    stored = call(loop.main, ["--store", "--json", str(tmp_path / "run.json")])
    assert stored.exit_code == 0 and call(loop.main, ["--check"]).exit_code == 0
    document = json.loads((tmp_path / "run.json").read_text())
    assert json.loads(Path("build/benchmark.json").read_text())["arms"] == document["arms"]
    assert "p95 with fewer than 100 samples" in " ".join(stored.output.split())
    assert {"machine", "arms", "ratios", "bars", "not_measured"} <= document.keys()
    monkeypatch.setattr(loop, "run", lambda *_: by_name([arm("S", 10, 10), pipeline("P", 14, 14)]))
    worse = call(loop.main, ["--check"])
    assert worse.exit_code == 1 and "P/S saturated sqlite fake 0ms: 1.40, was 1.20" in worse.output


def test_the_tables_of_the_docs_are_written_between_their_markers(tmp_path: Path) -> None:
    arms = by_name([arm("S", 10, 10), pipeline("P", 12.5, 12.5), pipeline(PACED, 14, 14)])
    document = written(arms, ratios(arms, PACED), bars(arms, PACED), RATE, 1)
    file = tmp_path / "performance.md"
    file.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    for _ in range(2):
        into(file, document)
    text = file.read_text()
    assert text.startswith("before") and text.endswith("after\n") and "old" not in text
    assert (
        "| sqlite: P over S, 0 ms model, one event | 4.0 ms | at most 3 ms | **not met** |" in text
    )
    file.write_text("no markers")
    with pytest.raises(ValueError, match="no markers"):
        into(file, document)


@pytest.mark.parametrize("argument", [["--logs", "papyrus"], ["--ehr", ","], ["--events", "1"]])
def test_bad_options_are_refused(argument: list[str]) -> None:
    assert CliRunner().invoke(loop.main, argument).exit_code == 2
