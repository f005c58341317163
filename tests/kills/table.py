"""The table of a run in Markdown, and its place in docs/promises.md."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.report import markers
from tests.kills.run import QUIET_SEC, Result

BEGIN: Final = "<!-- measured: written by `python -m tests.kills --docs docs/promises.md` -->"
EHRS: Final = {
    "hapi": "HAPI FHIR 8.8",
    "sekmet": "sekmet",
    "fake": "the fake with HAPI FHIR's habits",
}
LOGS: Final = {"kafka": "Apache Kafka", "sqlite": "SQLite"}


def table(result: Result) -> str:
    """One row a fact."""
    found, asked = result.reckoning, result.asked
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(found.outcomes.items()))
    in_work = f"{result.at_work} hit a service with an event in work"
    rows = [
        ("EHR, event log, seed", f"{EHRS[asked.ehr]}, {LOGS[asked.log]}, {asked.seed}"),
        ("inputs loaded", f"{asked.inputs} in {result.load_sec:.0f} s"),
        ("SIGKILLs", f"{result.kills}, each of what was up and ready; {in_work}"),
        ("services that ended by themselves", str(len(result.died))),
        ("answers owed", str(found.expected)),
        ("heads", outcomes),
        ("lost", str(len(found.lost))),
        ("doubled", str(len(found.doubled) + len(found.surplus))),
        ("orphaned drafts", str(len(found.orphans))),
        ("open dead letters", str(len(result.letters))),
        ("settled after the load", f"{result.settled_sec:.0f} s"),
        (f"new versions in {QUIET_SEC:.0f} s after settling", str(len(result.changes))),
    ]
    lines: list[Sequence[str]] = [("", "measured"), ("---", "---"), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def into(file: Path, written: str) -> None:
    """Replace what stands between the markers. ValueError when the file has none."""
    markers.into(file, BEGIN, written)
