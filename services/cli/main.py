"""The console script `careloop`.

It reads like a table of contents; each command's work is in a module of its own.
"""

import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import click

from services import catalogue
from services.cli.dead_letters import dead_letters
from shared import VERSION
from shared.errors import CareloopError, Unavailable
from shared.settings import Settings, load_settings
from shared.web import logs

log = logging.getLogger(__name__)
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
SEVERAL = "SERVICE..."
EPILOG = (
    "Begin with `careloop demo`. Settings are environment variables: `careloop settings` lists "
    "them. "
    "Exit status: 0 done; 1 the answer is no (doctor, demo --once); 2 something must be mended "
    "first, and the last line says what."
)


class Wrong(click.ClickException):
    """What the caller must mend: a setting, an argument, a file, something that does not run.

    Exit status 2, as for wrong usage.
    """

    exit_code = 2


class Commands(click.Group):
    """Errors of ours end in one line that says what to do, and in exit status 2."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CareloopError as error:
            raise Wrong(in_words(error)) from None
        except click.UsageError:
            raise
        except click.ClickException as error:
            raise Wrong(error.format_message()) from None


def in_words(error: CareloopError) -> str:
    """The error's one line, and where to look when a part does not answer."""
    setting = {
        "ehr": "CARELOOP_FHIR_URL",
        "broker": "CARELOOP_KAFKA_BOOTSTRAP_SERVERS",
        "pacs": "CARELOOP_DICOMWEB_URL",
    }
    if isinstance(error, Unavailable) and error.dependency in setting:
        return (
            f"{error}. Does it run, and is {setting[error.dependency]} right? `careloop "
            "doctor` "
            "tells more."
        )
    return str(error)


@click.group(cls=Commands, context_settings=CONTEXT, epilog=EPILOG)
@click.version_option(VERSION, prog_name="careloop")
def main() -> None:
    """From an event in the EHR through four AI services back into the record, under a clinician's
    signature.
    """
    logging.getLogger("kafka").setLevel(
        logging.CRITICAL
    )  # it logs each attempt; our own line says the same once


@main.command(
    epilog="Next: sign or reject a result on the review page that it prints. `careloop doctor` "
    "helps where a part does not start."
)
@click.option(
    "--once",
    is_flag=True,
    help="Exit when all is settled (status 0 only if every service gave a result); after 300 s say "
    "what is missing.",
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
    default=Path(".careloop/demo"),
    show_default=True,
    help="Where the demo keeps its state. Started again on the same folder it adds nothing.",
)
def demo(once: bool, as_json: bool, state_dir: Path) -> None:
    """Start an EHR and every service here, load one patient, show what happens, keep the review
    page open until Ctrl-C.
    """
    if as_json and not once:
        raise click.UsageError("--json goes with --once: the object is printed at the end.")
    from services.clinic.demo import Demo

    sys.exit(Demo(state_dir.resolve(), once=once, as_json=as_json).run())


@main.command(
    epilog="Before the first run: `careloop doctor SERVICE...`, `careloop topics`. Next: /readyz "
    "says what it waits for; `careloop load` brings a patient."
)
@click.argument(
    "services",
    nargs=-1,
    required=True,
    metavar=SEVERAL,
    type=click.Choice(catalogue.service_names()),
)
def run(services: tuple[str, ...]) -> None:
    """Run one service here, or several as child processes on the ports that follow
    CARELOOP_HTTP_PORT. Ends on SIGTERM or Ctrl-C.

    SERVICE: intake, imaging, genomics, notes, treatment or review.
    """
    settings = load_settings()
    stop = _stop_on_signals()
    services = tuple(dict.fromkeys(services))
    if len(services) > 1:
        from services.clinic.several import run_several

        run_several(services, settings, stop)
        return
    [name] = services
    logs.configure(name, settings.log_level)
    try:
        _run_one(name, settings, stop)
    except CareloopError as error:  # a line of the log like all others
        log.critical("%s does not run: %s", name, in_words(error))
        sys.exit(Wrong.exit_code)


def _run_one(name: str, settings: Settings, stop: threading.Event) -> None:
    if name == "intake":
        from services.intake.process import run_intake

        run_intake(settings, stop)
    elif name == "review":
        from services.review.process import run_review

        run_review(settings, stop)
    else:
        from shared.web.process import run_service

        run_service(catalogue.analyser(name), settings, stop)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


@main.command(
    epilog="Next: `careloop run intake imaging genomics notes treatment review`, if they do not "
    "run yet; then see the worklist of review."
)
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print what now stands in the EHR as JSON.")
def load(source: Path, as_json: bool) -> None:
    """Put one patient's files into the EHR and the PACS. Loading the same files again changes
    nothing.

    SOURCE is a FHIR Bundle (.json) or a folder: exactly one Patient in its .json files (Bundles or
    single resources), films as .dcm (or without an ending), genomes as .vcf or .vcf.gz, notes as
    .txt in UTF-8. A note's type follows from the
    beginning of its name: discharge, consult, progress, procedure; else history and physical.
    """
    from services.load.patient import load_patient

    settings = load_settings()
    loaded = load_patient(source, settings, tell=lambda text: click.echo(text, err=True))
    if as_json:
        click.echo(
            json.dumps(
                [
                    {"file": item.file, "resource": item.reference, "new": item.created}
                    for item in loaded
                ]
            )
        )
        return
    for item in loaded:
        click.echo(f"{'new  ' if item.created else 'known'}  {item.reference:<32} {item.file}")
    click.echo(
        f"{len(loaded)} resources stand in the EHR. Next: `careloop run intake imaging genomics "
        "notes treatment review`, if they do not run yet."
    )


@main.command(
    epilog="Exit status 1: something is missing. Next: do what the arrows say, then `careloop "
    "topics` and `careloop run SERVICE...`."
)
@click.argument("services", nargs=-1, metavar=SEVERAL, type=click.Choice(catalogue.service_names()))
def doctor(services: tuple[str, ...]) -> None:
    """Tell what is there of settings, EHR, scopes, broker, PACS, access logs, models and GPU, and
    what to do about what is not.

    SERVICE: look only at what these services need; default: all that are installed here.
    """
    from services.cli.examine import as_line, examine

    states = set()
    for check in examine(load_settings(), services):
        click.echo(as_line(check))
        states.add(check.state)
    sys.exit(1 if "missing" in states else 0)


@main.command(epilog="Next: `careloop run intake imaging genomics notes treatment review`.")
def topics() -> None:
    """Create the topics of the event log (once, before the first start); those that exist are left
    alone.
    """
    from shared.stream.open import open_log

    settings = load_settings()
    made = open_log(settings).create_topics(settings.partitions, catalogue.analyser_names())
    click.echo("\n".join(f"created {name}" for name in made) or "all topics exist already")


@main.command(
    epilog="Next: `careloop jwks` for the registration, then CARELOOP_FHIR_CLIENT_ID and `careloop "
    "doctor SERVICE`."
)
@click.argument("service", metavar="SERVICE", type=click.Choice(catalogue.service_names()))
def scopes(service: str) -> None:
    """Print the SMART scopes that SERVICE needs, for whoever registers it at the EHR."""
    from services.cli.permissions import scopes_of_process

    click.echo(scopes_of_process(service).replace(" ", "\n"))


@main.command(
    epilog="Next: `careloop scopes SERVICE` for the registration, then CARELOOP_FHIR_CLIENT_ID and "
    "`careloop doctor SERVICE`."
)
def jwks() -> None:
    """Print the public half of CARELOOP_FHIR_PRIVATE_KEY_FILE as a JWK Set (JSON), for whoever
    registers the client at the EHR.
    """
    from shared.ehr.smart import public_jwks

    click.echo(json.dumps(public_jwks(load_settings()), indent=2))


@main.command(
    epilog="Other models: CARELOOP_IMAGING_MODEL, CARELOOP_NOTES_MODEL. Next: `careloop doctor` "
    "says what to install for a missing one."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the cards.")
def models(as_json: bool) -> None:
    """List the models that would speak: name, version, digest of the weights or rules."""
    from services.cli.installed import extra, model_cards

    cards, lacking = model_cards(load_settings())
    for name, what in lacking.items():
        click.echo(
            f"{name}: not installed here: {what}. {extra(name)}, where it is to run.", err=True
        )
    if as_json:
        click.echo(json.dumps([{"service": name, **vars(card)} for name, card in cards]))
        return
    for name, card in cards:
        click.echo(f"{name:<10} {card.name:<24} {card.version:<8} {card.digest[:23]}  {card.title}")


@main.command(
    epilog="Next: set what differs in the environment (.env.example shows how), then `careloop "
    "doctor`."
)
@click.option("--markdown", is_flag=True, help="As the README's table.")
def settings(markdown: bool) -> None:
    """List every setting, its default and what it means."""
    from services.cli.settings_table import as_markdown, as_text

    click.echo(as_markdown(Settings) if markdown else as_text(Settings, os.environ))


main.add_command(dead_letters, "dead-letters")
