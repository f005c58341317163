"""`careloop run`: services in the foreground."""

import logging
import signal
import sys
import threading

import click

from services import catalogue
from services.cli.errors import Wrong, in_words
from services.cli.words import SERVICES, SEVERAL
from shared.errors import CareloopError
from shared.settings import Settings, load_settings
from shared.web import logs

log = logging.getLogger(__name__)


@click.command(
    help="Run one service here, or several as child processes on the ports that follow "
    f"CARELOOP_HTTP_PORT. Ends on SIGTERM or Ctrl-C.\n\nSERVICE: {SERVICES}.",
    epilog="Before the first run: `careloop doctor SERVICE...`, `careloop topics`. Next: /readyz "
    "says what it waits for; `careloop load` brings a patient.",
)
@click.argument(
    "services",
    nargs=-1,
    required=True,
    metavar=SEVERAL,
    type=click.Choice(catalogue.service_names()),
)
def run(services: tuple[str, ...]) -> None:
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
