"""Check the calls against PharmCAT's test files: `python -m services.genomics.evaluate --data DIR`.
How names are read: `expected.py`.

Prints a row per file and the shares; exit status 1 under the floor. `--write` stores the numbers
that the model card shows.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from services.genomics.calling import call_gene
from services.genomics.domain import GeneCall
from services.genomics.expected import expectation
from services.genomics.read_vcf import read_vcf
from services.genomics.tables import Gene, Tables, load_tables
from shared.errors import NotAnalysed
from shared.training.data_sets import refuse, require

METRICS = Path(__file__).with_name("metrics.json")
DATA = Path(__file__).parents[2] / ".." / "shared" / "data" / "pgx_vcf"


@dataclass(frozen=True)
class Result:
    """One file: its verdict is `one` (the expected diplotype alone), `among` (among several that
    agree), `no call` (as expected), `wrong`, or `unread` (the name says nothing)."""

    file: str
    gene: str
    verdict: str
    said: str


def evaluate(data: Path, tables: Tables) -> Iterator[Result]:
    """Every VCF in a folder that is named for one of the genes."""
    genes = {gene.name.lower(): gene for gene in tables.genes}
    for path in sorted(data.rglob("*.vcf")):
        gene = genes.get(path.parent.name.lower())
        if gene:
            yield _result(tables, gene, path)


def _result(tables: Tables, gene: Gene, path: Path) -> Result:
    wanted = expectation(gene, path.stem)
    try:
        records = read_vcf(path.read_bytes(), tables).records
    except NotAnalysed as refused:
        return Result(path.name, gene.name, "wrong" if wanted else "unread", refused.reason)
    calls = {g.name: call for g in tables.genes if (call := call_gene(tables, g, records))}
    call = calls.get(gene.name)
    said = _said(call)
    if set(calls) - {gene.name}:
        return Result(
            path.name,
            gene.name,
            "wrong",
            f"{said}; calls {', '.join(sorted(set(calls) - {gene.name}))} too",
        )
    if wanted is None:
        return Result(path.name, gene.name, "unread", said)
    pairs = _pairs(call)
    if not wanted.met(pairs):
        return Result(path.name, gene.name, "wrong", said)
    return Result(
        path.name,
        gene.name,
        "no call" if wanted.no_call else "one" if len(pairs) == 1 else "among",
        said,
    )


def _pairs(call: GeneCall | None) -> list[tuple[str, str]]:
    split = [d.split("/") for d in call.diplotypes] if call else []
    return [(a, b) for a, b in split]


def _said(call: GeneCall | None) -> str:
    if call is None:
        return "nothing of the gene in the file"
    return f"{' | '.join(call.diplotypes) or call.reason}: {call.phenotype}"


@click.command(help=__doc__)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=DATA,
    show_default=True,
    help="Folder of folders named for genes.",
)
@click.option(
    "--floor",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="Least share of files with a readable name that must be right.",
)
@click.option("--write", is_flag=True, help="Store the numbers for the model card.")
def main(data: Path, floor: float, write: bool) -> None:
    require(data)
    results = list(evaluate(data, load_tables()))
    if not results:
        refuse(data, "holds no .vcf file in a folder named for one of the genes")
    for result in results:
        click.echo(f"{result.gene:8} {result.file:32} {result.verdict:8} {result.said}")
    count = Counter(result.verdict for result in results)
    readable = len(results) - count["unread"]
    right = readable - count["wrong"]
    click.echo(
        f"{right} of {readable} right: {count['one']} called alone, {count['among']} among "
        f"several, {count['no call']} rightly not called"
    )
    click.echo(f"{count['unread']} names say nothing and are not counted")
    if write:
        numbers = {
            "files": readable,
            "right": right,
            "one": count["one"],
            "among": count["among"],
            "no_call": count["no call"],
        }
        METRICS.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    if not readable or right < floor * readable:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
