"""The console script `careloop`. It reads like a table of contents; each command's work is in a module of its own."""

import json
import os
import signal
import sys
import threading
from pathlib import Path

import click

from services import catalogue
from services.dead_letters_cli import dead_letters
from shared import VERSION, logs
from shared.errors import CareloopError
from shared.settings import Settings, load_settings

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class Commands(click.Group):
    """Errors of ours end in one line that says what to do, and in exit status 2."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CareloopError as error:
            raise click.ClickException(f"{type(error).__name__}: {error}") from None


@click.group(cls=Commands, context_settings=CONTEXT, epilog="Settings are environment variables: `careloop settings` lists them. Begin with `careloop demo`.")
@click.version_option(VERSION, prog_name="careloop")
def main() -> None:
    """From an event in the EHR through four AI services back into the record, under a clinician's signature."""


@main.command()
@click.option("--once", is_flag=True, help="Exit when all is settled (status 0 only if every service gave a result); after 300 s say what is missing.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print one JSON object, {fhir_url, outcomes}, on stdout.")
@click.option(
    "--state",
    "state_dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".careloop/demo"),
    show_default=True,
    help="Where the demo keeps its state. Started again on the same folder it adds nothing.",
)
def demo(once: bool, as_json: bool, state_dir: Path) -> None:
    """Start an EHR and every service here, load one patient, show what happens, keep the review page open until Ctrl-C."""
    from services.demo import Demo

    sys.exit(Demo(state_dir.resolve(), once=once, as_json=as_json).run())


@main.command()
@click.argument("services", nargs=-1, required=True, type=click.Choice(catalogue.SERVICES))
def run(services: tuple[str, ...]) -> None:
    """Run one service here, or several as child processes on the ports that follow CARELOOP_HTTP_PORT."""
    settings = load_settings()
    stop = _stop_on_signals()
    if len(services) > 1:
        from services.several import run_several

        run_several(services, settings, stop)
        return
    [name] = services
    logs.configure(name, settings.log_level)
    _run_one(name, settings, stop)


def _run_one(name: str, settings: Settings, stop: threading.Event) -> None:
    if name == "intake":
        from services.intake.process import run_intake

        run_intake(settings, stop)
    elif name == "review":
        from services.review.process import run_review

        run_review(settings, stop)
    else:
        from shared.process import run_service

        run_service(catalogue.analyser(name), settings, stop)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


@main.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print what now stands in the EHR as JSON.")
def load(source: Path, as_json: bool) -> None:
    """Put one patient's files into the EHR and the PACS. Loading the same files again changes nothing.

    SOURCE is a FHIR Bundle (.json) or a folder: exactly one Patient in its .json files (Bundles or single resources),
    films as .dcm, genomes as .vcf or .vcf.gz, notes as .txt.
    """
    from services.load import load_patient

    settings = load_settings()
    loaded = load_patient(source, settings)
    if as_json:
        click.echo(json.dumps([{"file": item.file, "resource": item.reference, "new": item.created} for item in loaded]))
        return
    for item in loaded:
        click.echo(f"{'new  ' if item.created else 'known'}  {item.reference:<32} {item.file}")
    click.echo(f"{len(loaded)} resources stand in the EHR. Next: `careloop run intake imaging genomics notes treatment review`, if they do not run yet.")


@main.command()
@click.argument("services", nargs=-1, type=click.Choice(catalogue.SERVICES))
def doctor(services: tuple[str, ...]) -> None:
    """Tell what is there of EHR, scopes, broker, PACS, models and GPU, and what to do about what is not."""
    from services.doctor import examine, print_report

    checks = examine(load_settings(), services or catalogue.SERVICES)
    print_report(checks)
    sys.exit(0 if all(c.state != "missing" for c in checks) else 1)


@main.command()
def topics() -> None:
    """Create the topics of the event log (once, before the first start); those that exist are left alone."""
    from shared.stream.open import open_log

    settings = load_settings()
    made = open_log(settings).create_topics(settings.partitions, catalogue.ANALYSERS)
    click.echo("\n".join(f"created {name}" for name in made) or "all topics exist already")


@main.command()
@click.argument("service", type=click.Choice(catalogue.SERVICES))
def scopes(service: str) -> None:
    """Print the SMART scopes that SERVICE needs, for whoever registers it at the EHR."""
    from services.permissions import scopes_of_process

    click.echo(scopes_of_process(service).replace(" ", "\n"))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the cards.")
def models(as_json: bool) -> None:
    """List the models that would speak: name, version, digest of the weights or rules."""
    from services.doctor import model_cards

    cards = model_cards(load_settings())
    if as_json:
        click.echo(json.dumps([{"service": name, **vars(card)} for name, card in cards]))
        return
    for name, card in cards:
        click.echo(f"{name:<10} {card.name:<24} {card.version:<8} {card.digest[:23]}  {card.title}")


@main.command()
@click.option("--markdown", is_flag=True, help="As the README's table.")
def settings(markdown: bool) -> None:
    """List every setting, its default and what it means."""
    from services.settings_table import as_markdown, as_text

    click.echo(as_markdown(Settings) if markdown else as_text(Settings, os.environ))


main.add_command(dead_letters, "dead-letters")

if __name__ == "__main__":
    main()
