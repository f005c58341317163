"""`careloop topics`: the event log's topics."""

import click

from services import catalogue
from services.cli.words import RUN_ALL
from shared.settings import load_settings


@click.command(epilog=f"Next: `{RUN_ALL}`.")
def topics() -> None:
    """Create the topics of the event log (once, before the first start).

    Those that exist are left alone.
    """
    from shared.stream.open import open_log

    settings = load_settings()
    made = open_log(settings).create_topics(settings.partitions, catalogue.analyser_names())
    click.echo("\n".join(f"created {name}" for name in made) or "all topics exist already")
