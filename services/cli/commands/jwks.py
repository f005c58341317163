"""`careloop jwks`: the public key for the EHR."""

import json

import click

from shared.settings import load_settings


@click.command(
    epilog="Next: `careloop scopes SERVICE` for the registration, then CARELOOP_FHIR_CLIENT_ID and "
    "`careloop doctor SERVICE`."
)
def jwks() -> None:
    """Print the public half of CARELOOP_FHIR_PRIVATE_KEY_FILE as a JWK Set (JSON).

    It is for whoever registers the client at the EHR.
    """
    from shared.ehr.auth.keys import public_jwks

    click.echo(json.dumps(public_jwks(load_settings()), indent=2))
