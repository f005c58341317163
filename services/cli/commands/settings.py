"""`careloop settings`: every setting and what it means."""

import os

import click

from shared.settings import Settings


@click.command(
    epilog="Next: set what differs in the environment (.env.example shows how), then `careloop "
    "doctor`."
)
@click.option("--markdown", is_flag=True, help="As the table of docs/settings.md.")
def settings(markdown: bool) -> None:
    """List every setting, its default and what it means."""
    from services.cli.settings_table import as_markdown, as_text

    click.echo(as_markdown(Settings) if markdown else as_text(Settings, os.environ))
