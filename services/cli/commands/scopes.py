"""`careloop scopes`: what a service asks of the EHR."""

import click

from services import catalogue


@click.command(
    epilog="Next: `careloop jwks` for the registration, then CARELOOP_FHIR_CLIENT_ID and `careloop "
    "doctor SERVICE`."
)
@click.argument("service", metavar="SERVICE", type=click.Choice(catalogue.service_names()))
def scopes(service: str) -> None:
    """Print the SMART scopes that SERVICE needs, for whoever registers it at the EHR."""
    from services.cli.permissions import scopes_of_process

    click.echo(scopes_of_process(service).replace(" ", "\n"))
