"""`python -m benchmarks.pages`: count what each page asks of the EHR, and time it.

The demo's patient at sekmet and, to count alone, at a FakeEhr with HAPI's habits. With `--against
COMMIT` an earlier commit's pages are asked in the same run, page by page in a random order.
"""

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
import psutil

from benchmarks.arms.before import checkout
from benchmarks.fake_ehr import HAPI, FakeEhr
from benchmarks.pages.prepared import Prepared, prepared
from benchmarks.parts import ROOT, Served, line_of, sekmet
from benchmarks.report import markers
from benchmarks.report.markdown import table

BEGIN: Final = (
    "<!-- measured: written by `python -m benchmarks.pages --docs docs/performance.md` -->"
)
VISITOR: Final = Path(__file__).with_name("visitor.py")
NOW: Final = "now"
Answers = Mapping[tuple[str, str], list[dict[str, Any]]]
"""(arm, page) -> what each visit took."""


@contextmanager
def visitor(root: Path, at: Prepared, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a visitor of a checkout's pages."""
    argv = [sys.executable, str(VISITOR), at.base, str(folder), at.practitioner]
    with subprocess.Popen(  # noqa: S603  # our own file
        argv,
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert line_of(process) == "ready"
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()


def visited(ehr: Served, folder: Path, trees: Mapping[str, Path], rounds: int) -> Answers:
    """Ask for each page of each tree, once to warm up and then so many times."""
    at = prepared(ehr.base, folder / "loaded")
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with ExitStack() as stack:
        arms = {}
        for arm, root in trees.items():
            own = shutil.copytree(folder / "loaded", folder / arm)
            arms[arm] = stack.enter_context(visitor(root, at, own))
        visits = [(arm, page) for page in at.pages for arm in arms]
        found |= {visit: [] for visit in visits}
        for count in range(rounds + 1):
            for arm, page in random.sample(visits, len(visits)):
                before = _cpu_ms(ehr)
                answer = _ask(arms[arm], at.pages[page])
                if count:
                    found[arm, page].append(answer | {"cpu": _cpu_ms(ehr) - before})
    return found


def _ask(process: subprocess.Popen[str], path: str) -> dict[str, Any]:
    assert process.stdin is not None
    process.stdin.write(f"{path}\n")
    process.stdin.flush()
    answer: dict[str, Any] = json.loads(line_of(process))
    assert answer["status"] == 200, f"{path}: {answer}"
    return answer


def _cpu_ms(ehr: Served) -> float:
    spent = ehr.process.cpu_times()
    return (spent.user + spent.system) * 1000


def rows(ehr: str, answers: Answers, before: str, *, timed: bool) -> Iterator[list[str]]:
    """Make a row of each page: its requests and times, before and now."""
    for page in dict.fromkeys(page for _, page in answers):
        row, medians = [page, ehr], []
        for arm in filter(None, (before, NOW)):
            visits = answers[arm, page]
            medians.append(statistics.median(v["ms"] for v in visits))
            spent = statistics.mean(v["cpu"] for v in visits)
            times = [f"{medians[-1]:.0f}", f"{spent:.0f}"] if timed else ["-", "-"]
            row += [str(max(v["requests"] for v in visits)), *times]
        ratio = f"{medians[-1] / medians[0]:.2f}" if timed else "-"
        yield row + ([ratio] if before else [])


def heads(before: str) -> list[str]:
    """Name the columns."""
    own = ["requests", "p50 ms", "EHR CPU ms"]
    old = [f"{column} at {before[:7]}" for column in own] if before else []
    return ["page", "EHR", *old, *own, *(["p50 ratio"] if before else [])]


@click.command()
@click.option("--against", default="", help="an earlier commit")
@click.option("--rounds", default=20)
@click.option("--docs", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(against: str, rounds: int, docs: Path | None) -> None:
    """Measure the pages, and print the table or write it into a page."""
    with ExitStack() as stack, TemporaryDirectory() as temporary:
        trees = {against: stack.enter_context(checkout(against))} if against else {}
        trees |= {NOW: ROOT}
        found: list[list[str]] = []
        with sekmet(Path(temporary) / "sekmet") as served:
            answers = visited(served, Path(temporary) / "a", trees, rounds)
            found += rows("sekmet", answers, against, timed=True)
        with FakeEhr(HAPI) as fake:
            own = Served(fake.base, psutil.Process())
            answers = visited(own, Path(temporary) / "b", trees, 1)
            found += rows("HAPI's habits", answers, against, timed=False)
    written = "\n".join(table(heads(against), found)) + "\n"
    if docs:
        markers.into(docs, BEGIN, written)
    else:
        click.echo(written)


if __name__ == "__main__":
    main()
