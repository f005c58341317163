"""The tables of docs/performance.md, written from a run.

Between two markers, so that the words around them stay.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.report import NO_LATENCY

BEGIN: Final = (
    "<!-- measured: written by `python -m benchmarks.loop --docs docs/performance.md` -->"
)
END: Final = "<!-- /measured -->"
VERDICT: Final = {True: "met", False: "**not met**", None: "not measured"}


def into(file: Path, document: dict[str, Any]) -> None:
    """Replace what stands between the markers. ValueError when the file has none."""
    text = file.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{file} has no markers for what was measured")
    file.write_text(f"{before}{BEGIN}\n{tables(document)}{END}{after}", encoding="utf-8")


def tables(document: dict[str, Any]) -> str:
    """Machine, bars, ratios, arms."""
    on = document["machine"]
    load = on["load"][0]
    lines = [
        f"Measured on {on['cores']} cores ({on['cpu']}), Python {on['python']}, load average "
        f"{load} at the end of the run, seed {document['seed']}.",
        "",
    ]
    lines += _table(("bar", "measured", "asked for", ""), (_bar(bar) for bar in document["bars"]))
    lines += _table(
        ("ratio", ""), ((name, f"{value:.2f}") for name, value in document["ratios"].items())
    )
    columns = (
        "arm",
        "log",
        "ehr",
        "model_ms",
        "events",
        "per_event_ms",
        "events_per_sec",
        "p50_ms",
        "p95_ms",
        "p99_ms",
    )
    heads = (
        "arm",
        "log",
        "EHR",
        "model ms",
        "events",
        "ms/event",
        "events/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
    )
    lines += _table(heads, ([_cell(arm[c]) for c in columns] for arm in document["arms"]))
    lines += [NO_LATENCY, ""]
    lines += [f"Not measured: {'; '.join(document['not_measured'])}.", ""]
    return "\n".join(lines)


def _bar(bar: dict[str, Any]) -> Sequence[str]:
    most = "at least" if bar["at_least"] else "at most"
    measured = "-" if bar["measured"] is None else f"{bar['measured']} {bar['unit']}"
    return (
        bar["what"],
        measured,
        f"{most} {bar['bar']:g} {bar['unit']}",
        bar["note"] or VERDICT[bar["met"]],
    )


def _cell(value: object) -> str:
    return "-" if value in (None, "") else str(value)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(line)} |" for line in lines] + [""]
