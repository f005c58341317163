"""`careloop run A B C`: each service as a child process of its own."""

import os
import threading
from collections.abc import Sequence

import click

from services.clinic.children import revive, service_child, stop
from shared.settings import Settings


def run_several(names: Sequence[str], settings: Settings, stopping: threading.Event) -> None:
    """Start them, start again what dies, stop them all at the end.

    They listen on the ports that follow `http_port`.

    Raises:
        Misconfigured: one can't start as things are set up.
    """
    children = []
    for number, name in enumerate(dict.fromkeys(names)):
        port = settings.http_port + number if settings.http_port else 0
        children.append(service_child(name, os.environ | {"CARELOOP_HTTP_PORT": str(port)}))
        click.echo(
            f"{name}: "
            + (
                f"http://{settings.http_host}:{port}"
                if port
                else "on a free port, which its log names"
            ),
            err=True,
        )
    for child in children:
        child.start()
    try:
        while not stopping.wait(0.5):
            for name in revive(children):
                click.echo(f"{name} had ended; started it again", err=True)
    finally:
        stop(children)
