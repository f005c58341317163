"""`careloop load`: one patient's files."""

import json
from pathlib import Path

import click

from services.cli.words import RUN_ALL
from shared.settings import load_settings


@click.command(
    epilog=f"Next: `{RUN_ALL}`, if they do not run yet; then see the worklist of review."
)
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print what now stands in the EHR as JSON.")
def load(source: Path, as_json: bool) -> None:
    """Put one patient's files into the EHR and the PACS.

    Loading the same files again changes nothing.

    SOURCE is a FHIR Bundle (.json) or a folder: exactly one Patient in its .json files (Bundles or
    single resources), films as .dcm (or without an ending), genomes as .vcf or .vcf.gz, notes as
    .txt in UTF-8. A note's type follows from the beginning of its name: discharge, consult,
    progress, procedure; else history and physical.
    """
    from services.load.patient import load_patient

    loaded = load_patient(source, load_settings(), tell=lambda text: click.echo(text, err=True))

    if as_json:
        rows = [{"file": i.file, "resource": i.reference, "new": i.created} for i in loaded]
        click.echo(json.dumps(rows))
        return
    for item in loaded:
        click.echo(f"{'new  ' if item.created else 'known'}  {item.reference:<32} {item.file}")
    click.echo(
        f"{len(loaded)} resources stand in the EHR. Next: `{RUN_ALL}`, if they do not run yet."
    )
