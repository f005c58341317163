"""The console script `careloop`: its commands and where to begin."""

import logging

import click

from services.cli.commands import (
    dead_letters,
    demo,
    doctor,
    jwks,
    load,
    models,
    new,
    run,
    scopes,
    settings,
    topics,
    worklist,
)
from services.cli.errors import Commands
from shared import VERSION

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
EPILOG = (
    "Begin with `careloop demo`. Settings are environment variables: `careloop settings` lists "
    "them. Exit status: 0 done; 1 the answer is no (doctor, demo --once); 2 something must be "
    "mended first, and the last line says what."
)


@click.group(cls=Commands, context_settings=CONTEXT, epilog=EPILOG)
@click.version_option(VERSION, prog_name="careloop")
def main() -> None:
    """Carry an event of the EHR through AI services back into the record.

    A clinician signs what they find.
    """
    # kafka-python logs each attempt to connect; our own line says the same once
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


main.add_command(demo.demo)
main.add_command(run.run)
main.add_command(load.load)
main.add_command(doctor.doctor)
main.add_command(topics.topics)
main.add_command(scopes.scopes)
main.add_command(jwks.jwks)
main.add_command(models.models)
main.add_command(settings.settings)
main.add_command(dead_letters.dead_letters, "dead-letters")
main.add_command(worklist.worklist)
main.add_command(new.new)
