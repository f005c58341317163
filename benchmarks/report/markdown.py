"""The tables of docs/performance.md, written from a run.

Between two markers, so that the words around them stay.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from benchmarks.report import markers
from benchmarks.report.document import COLUMNS, NO_LATENCY

BEGIN: Final = (
    "<!-- measured: written by `python -m benchmarks.loop --docs docs/performance.md` -->"
)
WIDTH: Final = 100
VERDICT: Final = {True: "met", False: "**not met**", None: "not measured"}
ENDURED: Final = (
    "load",
    "log",
    "events/s",
    "events",
    "lost",
    "wrong",
    "drained in s",
    "MB first, least, most, last",
    "descriptors",
)


def into(file: Path, document: dict[str, Any]) -> None:
    """Replace what stands between the markers. ValueError when the file has none."""
    markers.into(file, BEGIN, tables(document))


def tables(document: dict[str, Any]) -> str:
    """Machine, bars, ratios, arms, long loads."""
    on, commit = document["machine"], document["commit_before"]
    lines = [
        f"Measured on {on['cores']} cores ({on['cpu']}), Python {on['python']}, load average "
        f"{on['load'][0]}",
        f"at the end of the run, seed {document['seed']}"
        + (f"; P0 is commit {commit}." if commit else "."),
        "",
    ]
    lines += table(
        ("bar", "measured", "asked for", ""), (bar_cells(bar) for bar in document["bars"])
    )
    lines += table(
        ("ratio", ""), ((name, f"{value:.2f}") for name, value in document["ratios"].items())
    )
    rows = ([cell(arm[c]) for c in COLUMNS] for arm in document["arms"])
    lines += table(tuple(COLUMNS.values()), rows)
    lines += [*wrap(NO_LATENCY, WIDTH), ""]
    if document["endured"]:
        lines += table(ENDURED, (endured_cells(each) for each in document["endured"]))
    lines += ["Not measured:", *(f"- {each}" for each in document["not_measured"]), "", ""]
    return "\n".join(lines)


def bar_cells(bar: dict[str, Any]) -> Sequence[str]:
    """A bar: its name, the measured value, the demand, the verdict."""
    most = "at least" if bar["at_least"] else "at most"
    measured = "-" if bar["measured"] is None else f"{bar['measured']} {bar['unit']}".strip()
    return (
        bar["what"],
        measured,
        f"{most} {bar['bar']:g} {bar['unit']}".strip(),
        bar["note"] or VERDICT[bar["met"]],
    )


def endured_cells(each: dict[str, Any]) -> Sequence[str]:
    """The cells of a long load."""
    cells = [each[c] for c in ("load", "log", "per_sec", "events", "lost", "wrong", "drain_sec")]
    memory, descriptors = (", ".join(map(str, each[c])) for c in ("rss_mb", "descriptors"))
    return [*map(cell, cells), memory, descriptors]


def cell(value: object) -> str:
    """A value, or - without one."""
    return "-" if value in (None, "") else str(value)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table, line by line, and an empty line after it."""
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(line)} |" for line in lines] + [""]
