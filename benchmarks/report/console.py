"""What a run shows to people."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.report.document import COLUMNS, NO_LATENCY
from benchmarks.report.markdown import ENDURED, bar_cells, cell, endured_cells

ARMS = (
    "Arms: M model alone, S straight-line script (S8: 8 writers), P the whole pipeline (P0: before)"
)
LEFT = frozenset({"arm", "log", "EHR", "what", ""})


def shown(console: Console, document: dict[str, Any]) -> None:
    """Print the tables of the document."""
    rows = ([cell(arm[c]) for c in COLUMNS] for arm in document["arms"])
    console.print(_table(ARMS, tuple(COLUMNS.values()), rows))
    console.print(NO_LATENCY, style="dim", highlight=False)
    ratios = ((name, f"{value:.2f}") for name, value in document["ratios"].items())
    console.print(_table("Ratios", ("what", "ratio"), ratios))
    if document["endured"]:
        console.print(_table("Long loads", ENDURED, map(endured_cells, document["endured"])))
    console.print(_table("Bars", ("what", "measured", "bar", ""), map(_coloured, document["bars"])))
    for each in document["not_measured"]:
        console.print(f"Not measured: {each}.", highlight=False, soft_wrap=True)


def _coloured(bar: dict[str, Any]) -> Sequence[str]:
    *cells, verdict = bar_cells(bar)
    colour = {True: "green", False: "red"}.get(bar["met"])
    plain = verdict.strip("*")
    return [*cells, f"[{colour}]{plain}[/]" if colour else plain]


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for head in heads:
        table.add_column(head, justify="left" if head in LEFT else "right")
    for row in rows:
        table.add_row(*row)
    return table
