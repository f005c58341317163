"""`python -m benchmarks.loop`.

What the loop costs around a model. docs/performance.md says how to read it.

Three arms, interleaved block by block in a seeded order: M the model alone, S a straight-line
script with the same parse, model, validation and write, P the whole pipeline; and P0, the pipeline
of the commit before. Absolute times are this machine's; the ratios are what counts. What is
measured is written to the JSON file at once, so a run that is ended keeps it.
"""

import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from benchmarks.measures import regressions
from benchmarks.plan import FULL, QUICK
from benchmarks.report.console import shown
from benchmarks.report.document import Measured, machine
from benchmarks.report.markdown import into
from benchmarks.rounds import Asked, run

BASELINE: Final = Path(__file__).with_name("baseline.json")
REPORT: Final = Path("build/benchmark.json")
BEFORE: Final = "19b1876"
"""The last commit before the identity by id, the thin client and the batch reads."""
WIDTH: Final = 150  # the tables' own; a narrower terminal would cut words in them


def chosen(
    known: Sequence[str],
) -> Callable[[click.Context, click.Parameter, str | None], list[str] | None]:
    """A comma-separated option."""

    def parse(_: click.Context, __: click.Parameter, value: str | None) -> list[str] | None:
        if value is None:
            return None
        names = [name.strip() for name in value.split(",") if name.strip()]
        if not names or set(names) - set(known):
            raise click.BadParameter(f"a comma-separated list of: {', '.join(known)}")
        return names

    return parse


def baseline(path: Path) -> dict[str, float]:
    """The stored ratios. UsageError when there are none."""
    try:
        stored: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))["ratios"]
    except (OSError, ValueError, KeyError) as error:
        raise click.UsageError(
            f"{path}: no baseline ({type(error).__name__}); store one with --store"
        ) from None
    return stored


def write(file: Path, document: dict[str, Any]) -> None:
    """Write the document whole, or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    part.replace(file)


@click.command(help=__doc__)
@click.option(
    "--events",
    type=click.IntRange(5),
    help="Events of one block at saturation with a 0 ms model; the others follow in proportion. "
    "Default: 250.",
)
@click.option(
    "--quick",
    is_flag=True,
    help="About two minutes: one block each, no load test, no HAPI, no commit before, unless they "
    "are named. Good for a look, too short for percentiles.",
)
@click.option(
    "--logs",
    default="sqlite,kafka",
    show_default=True,
    callback=chosen(("sqlite", "kafka")),
    help="The event logs of arm P.",
)
@click.option(
    "--ehr",
    "ehrs",
    callback=chosen(("fake", "sekmet", "hapi")),
    help="FakeEhr (in memory), sekmet and HAPI FHIR (real; HAPI needs Maven and a JDK, and is left "
    "out without them). Default: all three.",
)
@click.option(
    "--against",
    metavar="COMMIT",
    help=f"The commit of P0; empty: none. Default: {BEFORE}.",
)
@click.option(
    "--soak",
    type=click.FloatRange(0.0),
    default=0.0,
    metavar="MINUTES",
    help="At the end, all pipelines for so long at a steady rate, on the fake EHR.",
)
@click.option(
    "--seed", default=1, show_default=True, help="Of the order of the blocks and of the arrivals."
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=REPORT,
    show_default=True,
    help="Where everything measured is written, part by part.",
)
@click.option(
    "--docs",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Put the tables between the markers of this file.",
)
@click.option(
    "--check", is_flag=True, help="Fail when a P/S ratio is more than 15 % above the baseline's."
)
@click.option(
    "--store", is_flag=True, help=f"Keep this run's ratios as the baseline ({BASELINE.name})."
)
def main(
    events: int | None,
    *,
    quick: bool,
    logs: list[str],
    ehrs: list[str] | None,
    against: str | None,
    soak: float,
    seed: int,
    json_file: Path,
    docs: Path | None,
    check: bool,
    store: bool,
) -> None:
    console, progress, began = Console(), Console(stderr=True), time.monotonic()
    console.width = max(console.width, WIDTH)
    before = baseline(BASELINE) if check else {}
    plan = QUICK if quick else FULL
    asked = Asked(
        plan.of_events(events) if events else plan,
        logs,
        ehrs or (["fake", "sekmet"] if quick else ["fake", "sekmet", "hapi"]),
        against if against is not None else ("" if quick else BEFORE),
        soak,
        seed,
    )

    def say(line: str) -> None:
        passed = time.monotonic() - began
        progress.print(f"{passed:5.0f} s  {line}", style="dim", highlight=False, soft_wrap=True)

    def keep(measured: Measured) -> None:
        write(json_file, measured.document())

    document = run(asked, say, keep).document()
    shown(console, document)
    write(json_file, document)
    say(f"everything measured, as JSON: {json_file}")
    if docs:
        into(docs, document)
    if store:
        write(BASELINE, {"machine": machine(), "ratios": document["ratios"]})
    worse = regressions(document["ratios"], before)
    for line in worse:
        console.print(
            f"worse than the baseline by more than 15 %: {line}",
            style="red",
            highlight=False,
            soft_wrap=True,
        )
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what it started ends with it
    main()
