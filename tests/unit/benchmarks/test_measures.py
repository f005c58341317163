"""The benchmark's arithmetic: percentiles that refuse to guess, ratios, bars, regressions."""

import pytest

from benchmarks.arms.blocks import Block, Cost
from benchmarks.measures import Arm, by_name, percentile, ratios, regressions
from benchmarks.report.bars import bars
from benchmarks.report.document import row
from tests.unit.benchmarks.support import PACED, RATE, arm, pipeline


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
            arm("S modest", 24, 24),
            arm("S", 30, 30, model_ms=20),
            arm("M", 20, 20, ehr="", model_ms=20),
            arm("S8", 40, 40, ehr="sekmet"),
            pipeline("P", 5, 5),
            pipeline("P", 24, 24, model_ms=20),
            pipeline("P", 50, 50, ehr="sekmet"),
            pipeline("P0", 9, 9),
            pipeline(PACED, 12, 12),
        ]
    )
    assert ratios(arms) == {
        "P/S saturated sqlite fake 0ms": 0.5,
        "P/P0 events/s sqlite fake 0ms": 1.8,
        "P/S saturated sqlite fake 20ms": 0.8,
        "P/M saturated sqlite fake 20ms": 1.2,
        "P/S8 saturated sqlite sekmet 0ms": 1.25,
        "P/S one event sqlite fake 0ms": 0.5,
    }


def test_bars_say_met_not_met_or_why_they_were_not_measured() -> None:
    arms = by_name(
        [
            arm("S", 10, 10),
            arm("S modest", 11, 11),
            pipeline("P", 12.5, 12.5),
            pipeline(PACED, 18, 18),
            arm("S8", 9, 9, ehr="sekmet"),
            pipeline("P", 10, 10, ehr="sekmet"),
            arm("S8", 9, 9, ehr="hapi"),
            pipeline("P", 9, 9, ehr="hapi"),
        ]
    )
    found = {bar.what: bar for bar in bars(arms)}
    assert found["sqlite: P over S, 0 ms model, saturated"].met is True
    one = found["sqlite: P over S, 0 ms model, one event without its append"]
    assert one.met is False and one.measured == 7.0
    assert found["sqlite: events/s at sekmet against S with 8 writers"].met is False
    assert found["sqlite: events/s at hapi against S with 8 writers"].met is True
    unmeasured = found["sqlite: added latency at 100 events/s, p50"]
    assert unmeasured.met is None and "80 events/s" in unmeasured.note


def test_added_latency_is_measured_against_the_scripts_median() -> None:
    hundred = pipeline("P@100", *([15.0] * 490 + [60.0] * 10))
    found = {
        bar.what: bar for bar in bars(by_name([arm("S", 10, 10), pipeline("P", 5, 5), hundred]))
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


def test_one_event_alone_is_compared_with_a_paced_script_without_its_append() -> None:
    alone = Arm(PACED, "sqlite", "fake", 0, (Block(1.0, [0.020] * 3, [0.003, 0.004, 0.009]),))
    arms = by_name([arm("S", 8, 8), arm("S modest", 12, 12), alone])
    [bar] = bars(arms)
    assert (bar.measured, bar.bar, bar.unit, bar.met) == (4.0, 5.0, "ms", True)
    assert row(alone, RATE)["append_ms"] == 4.0


def test_without_a_paced_script_nothing_is_said_of_one_event() -> None:
    arms = by_name([arm("S", 8, 8), pipeline(PACED, 12, 12)])
    assert bars(arms) == [] and ratios(arms) == {}


@pytest.mark.parametrize(("before", "met"), [(16.0, True), (15.9, False)])
def test_the_commit_before_is_the_measure_of_events_per_second(before: float, met: bool) -> None:
    arms = by_name([pipeline("P", 10, 10), pipeline("P0", before, before)])
    [bar] = [bar for bar in bars(arms) if "commit before" in bar.what]
    assert bar.met is met and bar.measured == before / 10


def test_an_event_costs_what_a_block_cost_the_median_of_the_blocks() -> None:
    costs = [Cost(8, 0.02, 0.001), Cost(6, 0.03, 0.002), Cost(90, 0.9, 0.9)]
    blocks = tuple(Block(1.0, [0.1, 0.1], cost=cost) for cost in costs)
    measured = Arm("P", "kafka", "hapi", 0, blocks)
    shown = row(measured, RATE)
    assert (shown["requests"], shown["ehr_cpu_ms"], shown["waited_ms"]) == (4.0, 15.0, 1.0)
    [bar] = bars(by_name([measured]))
    assert bar.what == "kafka: requests to the EHR an event, hapi" and bar.met is True
    assert row(arm("M", 5, ehr=""), RATE)["requests"] is None


def test_p99_under_load_is_the_median_of_the_blocks_and_never_a_guess() -> None:
    calm, disturbed = Block(9.0, [0.02] * 600), Block(9.0, [0.5] * 600)
    loaded = Arm("P@80%", "sqlite", "fake", 0, (calm, disturbed, calm))
    [bar] = [b for b in bars(by_name([arm("S", 10, 10), loaded])) if "p99" in b.what]
    assert bar.measured == 2.0 and bar.met is True
    short = Arm("P@80%", "sqlite", "fake", 0, (calm, Block(1.0, [0.02] * 499)))
    [bar] = [b for b in bars(by_name([arm("S", 10, 10), short])) if "p99" in b.what]
    assert bar.met is None


def test_a_load_that_was_possible_and_not_tried_is_not_called_impossible() -> None:
    [p50, _] = [b for b in bars(by_name([arm("S", 5, 5), pipeline("P", 5, 5)])) if "100" in b.what]
    assert p50.met is None and p50.note == ""
