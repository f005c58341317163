"""The EHR of the settings, opened."""

import ssl
from urllib.parse import urlsplit

from shared.ehr.auth.smart import Bearer, auth_of
from shared.ehr.bases.value import aliases_of
from shared.ehr.client import Ehr
from shared.ehr.http import Before, Rest
from shared.ehr.wire.connections import Connections, Sent
from shared.errors import Misconfigured
from shared.settings import Settings


def open_ehr(
    settings: Settings,
    scopes: str | None = None,
    bearer: str | None = None,
    before: Before | None = None,
    sent: Sent = lambda _: None,
) -> Ehr:
    """Open the EHR of the settings; it connects with the first request.

    Args:
        scopes: what to ask the SMART token endpoint for (`shared.ehr.auth.scopes.scopes_of`); the
            setting wins.
        bearer: a caller's own access token, forwarded instead of ours.
        before: see `shared.ehr.http.Rest`.
        sent: see `shared.ehr.wire.connections.Connections`.

    Raises:
        Misconfigured: a URL is no http(s) URL, the CA file or the private key can't be read.
    """
    base = settings.fhir_url.rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise Misconfigured("CARELOOP_FHIR_URL: an http or https URL without a query is needed")
    aliases = aliases_of(settings.fhir_aliases)
    verify = tls_context(settings)
    auth = Bearer(bearer) if bearer else auth_of(settings, base, scopes, verify)
    rest = Rest(
        Connections(verify, sent),
        base,
        settings.fhir_timeout_sec,
        auth,
        before,
        forwarded=bearer is not None,
    )
    rest.bases.add_aliases(aliases)

    origins = [origin.strip() for origin in settings.dicomweb_allowed_origins.split(",")]
    return Ehr(rest, frozenset(origin.rstrip("/") for origin in origins if origin))


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Load the certificates to trust; raises Misconfigured."""
    try:
        return ssl.create_default_context(cafile=settings.fhir_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(
            f"CARELOOP_FHIR_CA_FILE: {type(error).__name__}, a PEM file is needed"
        ) from None
