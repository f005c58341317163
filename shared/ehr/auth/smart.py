"""SMART Backend Services: our access token at the EHR.

(HL7 smart-app-launch 2.2, backend-services and client-confidential-asymmetric.) One thread at a
time asks for the token. It is kept until shortly before it expires. `Rest` sends it to the EHR's
base only.
"""

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import httpx

from shared.ehr.auth.keys import Key, assertion, private_key
from shared.ehr.auth.scopes import v1_scopes
from shared.errors import Misconfigured, Unavailable
from shared.json import Json
from shared.settings import Settings

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
RENEW_BEFORE_SEC: Final = 60.0
DEFAULT_LIFETIME_SEC: Final = 300
"""The guide's advice, where the answer names none."""
JSON: Final = {"Accept": "application/json"}


@dataclass(frozen=True)
class Discovery:
    """The useful part of `.well-known/smart-configuration`.

    Attributes:
        token_url: where assertions are exchanged.
        v1_only: the server knows `system/Type.read`, not `system/Type.rs`.
    """

    token_url: str
    v1_only: bool = False


class Auth(Protocol):
    """Gives the access token."""

    def token(self, refused: str | None = None) -> str:
        """Return a token, if possible another one than the refused."""


@dataclass(frozen=True)
class Bearer:
    """A caller's own token, forwarded."""

    value: str

    def token(self, refused: str | None = None) -> str:  # noqa: ARG002
        """Return the token: there is no other."""
        return self.value


class BackendServices:
    """Our token: fetched at the first need, renewed in time and once after a 401.

    Args:
        fetch: returns a token, and the monotonic time from which to renew it.
    """

    def __init__(self, fetch: Callable[[], tuple[str, float]]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def token(self, refused: str | None = None) -> str:
        """Return the present token; a new one if this one was refused."""
        with self._lock:
            if self._token == refused or time.monotonic() >= self._renew_at:
                self._renew()
            return self._token

    def _renew(self) -> None:
        try:
            self._token, self._renew_at = self._fetch()
        except Misconfigured as error:
            if not self._token:
                raise
            # It worked before: pause until it does again.
            raise Unavailable("ehr", str(error), cause="token") from error


def auth_of(
    settings: Settings, base: str, scopes: str | None, verify: ssl.SSLContext
) -> Auth | None:
    """Choose how to authenticate at this EHR.

    Returns:
        None where no client id is set: the EHR is open or behind a proxy.

    Raises:
        Misconfigured: a client id without a key, or a key that can't be read.
    """
    client_id = settings.fhir_client_id
    if client_id is None:
        return None

    key = private_key(settings)
    wanted = settings.fhir_scopes or scopes
    if not wanted:
        raise Misconfigured(
            "CARELOOP_FHIR_SCOPES: which scopes to ask for (`careloop scopes SERVICE` prints them)"
        )

    def fetch() -> tuple[str, float]:
        with httpx.Client(
            verify=verify, timeout=settings.fhir_timeout_sec, trust_env=False
        ) as client:
            return request_token(client, discover(client, settings, base), client_id, key, wanted)

    return BackendServices(fetch)


def discover(client: httpx.Client, settings: Settings, base: str) -> Discovery:
    """Find the token endpoint: from the setting, or from the EHR's discovery document.

    Raises:
        Misconfigured: the EHR has no such document, and the setting is empty.
    """
    if settings.fhir_token_url:
        return Discovery(settings.fhir_token_url)

    url = f"{base}/.well-known/smart-configuration"
    response = _call(client, client.build_request("GET", url, headers=JSON))
    body = _object(response)
    token_url = body.get("token_endpoint")
    if not response.is_success or not isinstance(token_url, str):
        raise Misconfigured(
            f"CARELOOP_FHIR_TOKEN_URL: the EHR names no token endpoint ({response.status_code} to "
            ".well-known/smart-configuration)"
        )

    capabilities = body.get("capabilities", [])
    v1_only = "permission-v1" in capabilities and "permission-v2" not in capabilities
    return Discovery(token_url, v1_only)


def request_token(
    client: httpx.Client, discovery: Discovery, client_id: str, key: Key, scopes: str
) -> tuple[str, float]:
    """Ask for a new access token.

    Returns:
        The token, and the monotonic time from which to renew it.

    Raises:
        Misconfigured: the server refuses our client, key or scopes. The message holds its error
            code (RFC 6749 5.2), no free text.
        Unavailable: the token endpoint does not answer.
    """
    form = {
        "grant_type": "client_credentials",
        "scope": v1_scopes(scopes) if discovery.v1_only else scopes,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(client_id, key, discovery.token_url),
    }
    asked_at = time.monotonic()
    request = client.build_request("POST", discovery.token_url, data=form, headers=JSON)
    response = _call(client, request)
    body = _object(response)
    token = body.get("access_token")
    if not response.is_success or not isinstance(token, str):
        raise Misconfigured(
            f"the EHR's token endpoint refused us: {response.status_code} {_oauth_error(body)} "
            "(CARELOOP_FHIR_CLIENT_ID, its key and scopes)"
        )

    lifetime = float(body.get("expires_in") or DEFAULT_LIFETIME_SEC)
    return token, asked_at + max(lifetime / 2, lifetime - RENEW_BEFORE_SEC)


def _call(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    try:
        response = client.send(request)
    except httpx.TransportError as error:
        raise Unavailable("ehr", f"token endpoint: {type(error).__name__}") from error
    if response.status_code == 429 or response.status_code >= 500:
        raise Unavailable("ehr", f"token endpoint: {response.status_code}", cause="token")
    return response


def _object(response: httpx.Response) -> Json:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _oauth_error(body: Json) -> str:
    """Return the error code of RFC 6749, and no free text."""
    error = body.get("error")
    is_code = isinstance(error, str) and error.replace("_", "").isalpha() and len(error) <= 40
    return str(error) if is_code else "without a reason"
