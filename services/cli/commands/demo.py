"""`careloop demo`."""

import sys
from pathlib import Path
from typing import Final

import click

STATE: Final = Path(".careloop/demo")


@click.command(
    epilog="Next: sign or reject a result on the review page that it prints. `careloop doctor` "
    "helps where a part does not start."
)
@click.option(
    "--once",
    is_flag=True,
    help="Exit when all is settled (status 0 only if every service gave a result); after 300 s "
    "say what is missing.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="With --once: print one JSON object, {fhir_url, outcomes}, on stdout.",
)
@click.option(
    "--state",
    "state_dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=STATE,
    show_default=True,
    help="Where the demo keeps its state. Started again on the same folder it adds nothing.",
)
def demo(once: bool, as_json: bool, state_dir: Path) -> None:
    """Start an EHR and every service here, load one patient, show the loop.

    The review page stays open until Ctrl-C.
    """
    if as_json and not once:
        raise click.UsageError("--json goes with --once: the object is printed at the end.")
    from services.clinic.demo import Demo

    sys.exit(Demo(state_dir.resolve(), once=once, as_json=as_json).run())
