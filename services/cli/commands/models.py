"""`careloop models`: the models of the installed services."""

import json

import click

from shared.settings import load_settings


@click.command(
    epilog="Other models: CARELOOP_IMAGING_MODEL, CARELOOP_NOTES_MODEL. Next: `careloop doctor` "
    "says what to install for a missing one."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the cards.")
def models(as_json: bool) -> None:
    """List the models that analyse here.

    Name, version, digest of the weights or rules.
    """
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
