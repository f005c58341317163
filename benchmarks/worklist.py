"""`python -m benchmarks.worklist`: the time of a worklist page, and its cost.

The embedded EHR is filled with open results and a few closed ones, the pages run in a process of
their own, and somebody who is logged in opens them over HTTP while a head changes every second.
"""

import math
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import click

from benchmarks.listed.fill import Filled, fill
from benchmarks.listed.looking import Look, Looking, writer
from benchmarks.listed.pages import PASSWORD, USER, Pages, pages
from benchmarks.parts import sekmet
from benchmarks.report import markers
from benchmarks.report.document import machine
from benchmarks.report.markdown import table
from services.review.worklist.feed import SWEEP_SEC
from services.review.worklist.sweeps.cursor import OVERLAP
from shared.ehr.opening import open_ehr
from shared.settings import load_settings

BEGIN: Final = (
    "<!-- measured: written by `python -m benchmarks.worklist --docs docs/performance.md` -->"
)
BAR_MS: Final = 300.0
MOST_REQUESTS: Final = 5
DEEP: Final = 40
FILTERS: Final = {
    "a service": ("?service=imaging",),
    "an urgency": ("?urgency=urgent", "?urgency=stat", "?urgency=routine"),
    "an age": ("?age=1h", "?age=1d", "?age=7d"),
    "an owner": ("?owner=nobody", "?owner=mine"),
    "an acknowledgement": ("?seen=overdue", "?seen=open"),
    "a patient's name": ("?patient=sommer", "?patient=mustermann7", "?patient=zoe"),
    "a patient's number": ("?patient=MRN-00007",),
    "a word": ("?text=pneumonia", "?text=asthma"),
    "several words": ("?text=problems+hypertension+fibrillation",),
    "a word that is nowhere": ("?text=xylophone",),
    "all of them": ("?service=imaging&urgency=routine&age=1d&owner=nobody&patient=o&text=model",),
    "another tab": ("?outcome=completed", "?outcome=cancelled"),
}
"""What is asked for -> the queries, in turn."""

MANY: Final = 5_000
"""So many fresh writes slow each sweep that looks back over them."""


@dataclass(frozen=True)
class Measured:
    """The pages of one kind.

    Attributes:
        seconds: of each page.
        cpu_sec, waited_sec: of the pages and of the EHR meanwhile, whatever for: at work, and
            ready to work without a core, summed over their threads.
    """

    kind: str
    seconds: Sequence[float]
    cpu_sec: float
    waited_sec: float

    def at_ms(self, q: float) -> float:
        """Return the q-quantile (nearest rank) in milliseconds."""
        return sorted(self.seconds)[math.ceil(q * len(self.seconds)) - 1] * 1000

    @property
    def cells(self) -> Sequence[str]:
        """Its row of the table."""
        count = len(self.seconds)
        numbers = (
            median(self.seconds) * 1000,
            self.at_ms(0.95),
            max(self.seconds) * 1000,
            self.cpu_sec / count * 1000,
            self.waited_sec / count * 1000,
        )
        return (self.kind, str(count), *(f"{number:.0f}" for number in numbers))


@dataclass(frozen=True)
class Run:
    """What a run measured.

    Attributes:
        closed: how many results were decided on or withdrawn, beside the open ones.
        requests: to the EHR, of a page.
    """

    results: int
    closed: int
    patients: int
    built_sec: float
    index_mb: float
    requests: float
    kinds: Sequence[Measured]

    @property
    def worst_ms(self) -> float:
        """Return the highest p95 of all kinds."""
        return max(kind.at_ms(0.95) for kind in self.kinds)

    @property
    def is_met(self) -> bool:
        """Tell whether both bars are met."""
        return self.worst_ms <= BAR_MS and self.requests <= MOST_REQUESTS

    def written(self) -> str:
        """Write it in Markdown."""
        on = machine()
        verdicts = {True: "met", False: "**not met**"}
        lines = [
            f"Measured on {on['cores']} cores ({on['cpu']}), Python {on['python']}, load average "
            f"{on['load'][0]}",
            f"at the end of the run; {self.results:,} open results of {self.patients:,} patients,",
            f"and {self.closed:,} that were decided on or withdrawn.",
            "",
        ]
        bars = [
            (
                "p95 of the slowest kind of page",
                f"{self.worst_ms:.0f} ms",
                f"at most {BAR_MS:.0f} ms",
                verdicts[self.worst_ms <= BAR_MS],
            ),
            (
                "requests to the EHR a page",
                f"{self.requests:.1f}",
                f"at most {MOST_REQUESTS}",
                verdicts[self.requests <= MOST_REQUESTS],
            ),
            ("building the index", f"{self.built_sec:.0f} s", "-", ""),
            ("its file", f"{self.index_mb:.1f} MB", "-", ""),
        ]
        lines += table(("bar", "measured", "asked for", ""), bars)
        heads = ("page", "opened", "p50 ms", "p95 ms", "longest ms", "CPU ms", "no core ms")
        lines += table(heads, (kind.cells for kind in self.kinds))
        return "\n".join(lines)


def measured(results: int, patients: int, samples: int) -> Run:
    """Fill, build, look.

    Args:
        samples: pages of each kind.
    """
    with TemporaryDirectory(prefix="careloop-worklist-") as name:
        folder = Path(name)
        with sekmet(folder) as server, open_ehr(load_settings(fhir_url=server.base)) as ehr:
            filled = fill(ehr, results, patients, _told)
            click.echo("building the index", err=True)
            with pages(folder, server, filled.practitioner) as running:
                requests = _requests(running, samples)
                looking = Looking(running.url, USER, PASSWORD)
                with writer(ehr, filled.tasks, filled.practitioner):
                    if results >= MANY:
                        click.echo("waiting until the sweeps leave the filling behind", err=True)
                        time.sleep(OVERLAP.total_seconds() + 2 * SWEEP_SEC)
                    kinds = list(_kinds(running, looking, filled, samples))
                looking.close()
                built, size = running.built_sec, running.index_mb
    return Run(results, len(filled.closed), patients, built, size, requests, kinds)


def _requests(running: Pages, samples: int) -> float:
    """Count the requests of a page: the median, for a sweep may fall into one."""
    looking = Looking(running.url, USER, PASSWORD)
    looking.at("/")  # the Device of the pages is registered once
    counts = [running.requests()]
    for _ in islice(looking.walk("/"), samples):
        counts.append(running.requests())
    looking.close()
    return median(after - before for before, after in pairwise(counts))


def _kinds(running: Pages, looking: Looking, filled: Filled, samples: int) -> Iterator[Measured]:
    for kind, looks in _looks(looking, filled, samples):
        click.echo(kind, err=True)
        before = running.used()
        seconds = [look.seconds for look in looks]
        now = running.used()
        if seconds:
            cpu, waited = now.cpu_sec - before.cpu_sec, now.waited_since(before)
            yield Measured(kind, seconds, cpu, waited)


def _looks(looking: Looking, filled: Filled, samples: int) -> Iterator[tuple[str, Iterable[Look]]]:
    """Yield the kinds of pages, with the looks to come."""
    yield "the first page", _each(looking, ["/"], samples)
    walked: list[Look] = []
    walk = looking.walk("/")
    yield f"the first {DEEP} pages", _kept(islice(walk, DEEP), walked)
    yield f"all pages after {DEEP}", _kept(walk, walked)
    last = walked[-2].next if len(walked) > 1 else "/"
    yield "the last page", _each(looking, [last], samples)
    yield "back from the last page", _back(looking, walked[-1], samples)
    by_id = tuple(f"?patient={each}" for each in filled.patients[:3])
    for kind, queries in (FILTERS | {"a patient's id": by_id}).items():
        yield f"by {kind}", _each(looking, [f"/{query}" for query in queries], samples)


def _each(looking: Looking, paths: Sequence[str], samples: int) -> Iterator[Look]:
    return (looking.at(paths[number % len(paths)]) for number in range(samples))


def _kept(looks: Iterable[Look], into: list[Look]) -> Iterator[Look]:
    for look in looks:
        into.append(look)
        yield look


def _back(looking: Looking, last: Look, samples: int) -> Iterator[Look]:
    path = last.previous
    for _ in range(samples):
        if not path:
            return
        look = looking.at(path)
        yield look
        path = look.previous


def _told(count: int) -> None:
    if count % 1_000 == 0:
        click.echo(f"{count:,} results written", err=True)


@click.command(help=__doc__)
@click.option("--results", default=10_000, show_default=True, type=click.IntRange(1))
@click.option("--patients", default=500, show_default=True, type=click.IntRange(1))
@click.option("--samples", default=100, show_default=True, help="Pages of each kind.")
@click.option("--quick", is_flag=True, help="1,000 results of 100 patients, 20 pages of each kind.")
@click.option(
    "--docs",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Put the tables between the markers of this file.",
)
def main(results: int, patients: int, samples: int, *, quick: bool, docs: Path | None) -> None:
    run = measured(1_000, 100, 20) if quick else measured(results, patients, samples)
    click.echo(run.written())
    if docs:
        markers.into(docs, BEGIN, run.written())
    sys.exit(0 if run.is_met else 1)


if __name__ == "__main__":
    main()
