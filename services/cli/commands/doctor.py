"""`careloop doctor`: what is there, and what to do about what is not."""

import sys

import click

from services import catalogue
from services.cli.words import SEVERAL
from shared.settings import load_settings


@click.command(
    epilog="Exit status 1: something is missing. Next: do what the arrows say, then `careloop "
    "topics` and `careloop run SERVICE...`."
)
@click.argument("services", nargs=-1, metavar=SEVERAL, type=click.Choice(catalogue.service_names()))
def doctor(services: tuple[str, ...]) -> None:
    """Look at settings, EHR, scopes, broker, PACS, access logs, models and GPU.

    Say of each whether it is there, and what to do about what is not.

    SERVICE: look only at what these services need; default: all that are installed here.
    """
    from services.cli.check import as_line
    from services.cli.examine import examine

    states = set()
    for check in examine(load_settings(), services):
        click.echo(as_line(check))
        states.add(check.state)

    sys.exit(1 if "missing" in states else 0)
