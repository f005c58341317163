"""OpenID Connect login (authorization code with PKCE, S256).

The claim `fhirUser` names the Practitioner, `roles` what they may read and sign, `patient` the one
patient to whom the login is limited.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import Flask
from joserfc.errors import JoseError

from services.review.access.staff import Login
from shared.errors import Misconfigured
from shared.settings import Settings

NAME: Final = "careloop_review"
SCOPES: Final = (
    "openid profile fhirUser"  # SMART App Launch 2.2, section "Scopes for requesting identity data"
)
TIMEOUT_SEC: Final = 10
LoginFailed = AuthlibBaseError  # the issuer, the state or the code is not right
TokenRefused = JoseError  # the ID token is not


def client(app: Flask, settings: Settings) -> Any | None:
    """The issuer's client, or None where no issuer is set.

    Nothing is fetched before somebody logs in.

    Raises:
        Misconfigured: an issuer without a client id.
    """
    if not settings.review_oidc_issuer:
        return None
    if not settings.review_oidc_client_id:
        raise Misconfigured(
            "CARELOOP_REVIEW_OIDC_ISSUER is set, so CARELOOP_REVIEW_OIDC_CLIENT_ID must be, too"
        )
    secret = settings.review_oidc_client_secret
    return OAuth(app).register(
        NAME,
        client_id=settings.review_oidc_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        server_metadata_url=f"{settings.review_oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": SCOPES,
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": "client_secret_basic" if secret else "none",
            "timeout": TIMEOUT_SEC,
        },
    )


def login_of(token: Mapping[str, Any], local: Callable[[str], str]) -> Login:
    """Read what the issuer says of the person.

    Args:
        token: the token answer, with the ID token's claims under `userinfo`. Its `patient` is the
            launch context of SMART App Launch; a claim of that name means the same.
        local: makes a reference to the EHR a relative one, see `Ehr.local`.
    """
    claims = token.get("userinfo") or {}
    patient = token.get("patient", claims.get("patient"))
    return Login(
        name_of(claims),
        str(claims.get("sub", "")),
        local(str(claims.get("fhirUser") or "")),
        roles_of(claims),
        None if patient is None else local(str(patient)),
    )


def name_of(claims: Mapping[str, Any]) -> str:
    """What to call the person."""
    return str(
        claims.get("name")
        or claims.get("preferred_username")
        or claims.get("email")
        or claims.get("sub", "")
    )


def roles_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The claim `roles`: a list, or one string."""
    roles = claims.get("roles") or []
    return tuple(str(role) for role in ([roles] if isinstance(roles, str) else roles))
