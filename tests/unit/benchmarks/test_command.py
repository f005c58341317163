"""The benchmark's command line, its document and its tables."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks import loop, rounds
from benchmarks.arms.endurance import Endured, Sample
from benchmarks.measures import Arm
from benchmarks.plan import FULL, QUICK
from benchmarks.report.document import Measured
from benchmarks.report.markdown import BEGIN, into, tables
from benchmarks.report.markers import END
from benchmarks.rounds import Asked
from shared.errors import Unavailable
from tests.unit.benchmarks.support import PACED, RATE, arm, pipeline


def measured(*arms: Arm) -> Measured:
    return Measured(RATE, 1, arms={arm.name: arm for arm in arms})


def test_events_that_were_appended_at_once_have_no_latency_in_the_report() -> None:
    document = measured(pipeline("P", 5, 500), pipeline(PACED, 12, 14)).document()
    once, paced = document["arms"]
    assert once["p50_ms"] is None and once["per_event_ms"] == 252.5
    assert paced["arm"] == "P at 20/s" and paced["p50_ms"] == 13.0 and paced["p99_ms"] is None


def test_check_fails_the_command_on_a_regression_and_json_holds_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = measured(arm("S", 10, 10), pipeline("P", 12, 12), pipeline(PACED, 12, 12))
    monkeypatch.setattr(loop, "run", lambda *_: first)
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
    slower = measured(arm("S", 10, 10), pipeline("P", 14, 14))
    monkeypatch.setattr(loop, "run", lambda *_: slower)
    worse = call(loop.main, ["--check"])
    assert worse.exit_code == 1 and "P/S saturated sqlite fake 0ms: 1.40, was 1.20" in worse.output


def test_the_tables_of_the_docs_are_written_between_their_markers(tmp_path: Path) -> None:
    arms = (arm("S", 10, 10), pipeline("P", 14, 14), pipeline(PACED, 14, 14))
    document = measured(*arms).document()
    file = tmp_path / "performance.md"
    file.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    for _ in range(2):
        into(file, document)
    text = file.read_text()
    assert text.startswith("before") and text.endswith("after\n") and "old" not in text
    assert (
        "| sqlite: P over S, 0 ms model, saturated | 4.0 ms | at most 3 ms | **not met** |" in text
    )
    assert "- CT segmentation" in text
    file.write_text("no markers")
    with pytest.raises(ValueError, match="no markers"):
        into(file, document)


@pytest.mark.parametrize(
    "argument", [["--logs", "papyrus"], ["--ehr", ","], ["--events", "1"], ["--soak", "-1"]]
)
def test_bad_options_are_refused(argument: list[str]) -> None:
    assert CliRunner().invoke(loop.main, argument).exit_code == 2


def asked(args: list[str], monkeypatch: pytest.MonkeyPatch, folder: Path) -> Asked:
    found: list[Asked] = []

    def run(asked: Asked, *_: object) -> Measured:
        found.append(asked)
        return measured(arm("S", 10, 10))

    monkeypatch.setattr(loop, "run", run)
    monkeypatch.chdir(folder)
    assert CliRunner().invoke(loop.main, args).exit_code == 0
    return found[0]


def test_the_full_run_has_three_ehrs_and_the_commit_before_the_quick_one_neither(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full = asked([], monkeypatch, tmp_path)
    assert (full.plan, full.ehrs, full.against) == (FULL, ["fake", "sekmet", "hapi"], loop.BEFORE)
    quick = asked(["--quick"], monkeypatch, tmp_path)
    assert (quick.plan, quick.ehrs, quick.against) == (QUICK, ["fake", "sekmet"], "")
    named = asked(["--quick", "--ehr", "hapi", "--against", "main"], monkeypatch, tmp_path)
    assert (named.ehrs, named.against) == (["hapi"], "main")
    assert asked(["--against", ""], monkeypatch, tmp_path).against == ""


def test_a_part_that_breaks_off_is_told_and_the_others_are_measured_and_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: list[dict[str, Any]] = []

    def at(ehr: str, _: Asked, made: Measured, *__: Callable[..., object]) -> None:
        made.arms[ehr] = arm("S", 10, 10, ehr=ehr)
        if ehr != "sekmet":
            raise {"fake": Unavailable("ehr", "503"), "hapi": RuntimeError("it died")}[ehr]

    monkeypatch.setattr(rounds, "_at", at)
    monkeypatch.setattr(rounds, "lacking_hapi", lambda: None)
    said: list[str] = []
    plan = Asked(QUICK, ["sqlite"], ["fake", "sekmet", "hapi"], "", 0, 1)
    made = rounds.run(plan, said.append, lambda m: kept.append(m.document()))
    assert [len(document["arms"]) for document in kept] == [1, 2, 3] and len(made.arms) == 3
    assert [line.split(":")[0] for line in made.not_measured[:2]] == ["fake", "hapi"]
    assert "it died" in said[-1] and "soak" in made.not_measured[-1]


def test_hapi_is_left_out_with_a_sentence_where_it_can_not_be_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    made = rounds.run(Asked(QUICK, ["sqlite"], ["hapi"], "", 0, 1), lambda _: None, lambda _: None)
    assert made.arms == {} and "HAPI FHIR needs Maven and a JDK" in made.not_measured[0]


def test_a_document_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "new" / "run.json"
    loop.write(file, {"arms": []})
    with pytest.raises(TypeError):
        loop.write(file, {"arms": object()})
    assert json.loads(file.read_text()) == {"arms": []}


def test_long_loads_have_a_table_of_their_own() -> None:
    made = measured(arm("S", 10, 10))
    samples = [Sample(2.0 * n, 100_000_000 + n, 20) for n in range(40)]
    made.endured += [
        Endured("soak", "sqlite", 10.0, samples, 800, 0, 0, 0.1),
        Endured("120 %", "kafka", 90.0, [], 800, 3, 1, None),
    ]
    text = tables(made.document())
    assert (
        "| soak | sqlite | 10.0 | 800 | 0 | 0 | 0.1 | 100.0, 100.0, 100.0, 100.0 | 20, 20 |" in text
    )
    assert "| 120 % | kafka | 90.0 | 800 | 3 | 1 | - |  |  |" in text
    assert "- CT segmentation" in text


def test_a_clone_without_the_commit_of_p0_measures_all_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rounds, "world", lambda *_: nullcontext())
    monkeypatch.setattr(rounds, "tasks", lambda *_: [])
    monkeypatch.setattr(rounds, "measured", lambda *_: {"S": arm("S", 10, 10)})
    plan = replace(QUICK, loaded=0, overload_sec=0)
    said: list[str] = []
    asked = Asked(plan, ["sqlite"], ["fake"], "0000000", 0, 1)
    made = rounds.run(asked, said.append, lambda _: None)
    assert made.not_measured[0] == "P0: no commit 0000000 here" == said[1]
    assert list(made.arms) == ["S"] and made.commit == ""
