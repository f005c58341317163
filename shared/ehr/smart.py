"""SMART Backend Services (HL7 smart-app-launch 2.2, backend-services and
client-confidential-asymmetric): our access token at the EHR.

The token is kept until shortly before it expires, asked for by one thread at a time, and sent to
the EHR's base only.
"""

import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from shared.errors import Misconfigured, Unavailable
from shared.json import Json
from shared.settings import Settings

Key = RSAKey | ECKey

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SEC: Final = 240  # the guide allows five minutes; a clock may be off by one
RENEW_BEFORE_SEC: Final = 60.0
DEFAULT_LIFETIME_SEC: Final = 300  # the guide's advice, where the answer names none
ALGORITHMS: Final = {"RSA": "RS384", "EC": "ES384"}


@dataclass(frozen=True)
class Discovery:
    """What `.well-known/smart-configuration` says, as far as it matters here.

    Attributes:
        token_url: where assertions are exchanged.
        v1_only: the server knows `system/Type.read`, not `system/Type.rs`.
    """

    token_url: str
    v1_only: bool = False


class Bearer(httpx.Auth):
    """A caller's own token, forwarded to the EHR's base and nowhere else."""

    def __init__(self, token: str, base: str) -> None:
        self._token = token
        self._base = base

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token where it may go."""
        if on_base(request.url, self._base):
            request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class BackendServices(httpx.Auth):
    """Our token: fetched when first needed, renewed before it expires and once after a 401."""

    def __init__(self, base: str, fetch: Callable[[], tuple[str, float]]) -> None:
        self._base = base
        self._fetch = fetch  # -> token, and the monotonic time from which to renew it
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token where it may go; after a 401, one more try with a new one."""
        if not on_base(request.url, self._base):
            yield request
            return
        token = self._current()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = f"Bearer {self._current(refused=token)}"
            yield request

    def _current(self, refused: str | None = None) -> str:
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
            raise Unavailable(
                "ehr", str(error)
            ) from error  # it worked before: pause until it does again


def on_base(url: httpx.URL, base: str) -> bool:
    """The URL has the base's scheme, host and port, and lies on or below its path."""
    own = httpx.URL(base)
    path = own.path.rstrip("/")
    same = (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port)
    return same and (url.path == path or url.path.startswith(f"{path}/"))


def auth_of(
    settings: Settings, base: str, scopes: str | None, verify: ssl.SSLContext
) -> httpx.Auth | None:
    """How to authenticate at this EHR; None where no client id is set: the EHR is open or sits
    behind a proxy.

    Raises:
        Misconfigured: a client id without a key, or a key that can't be read.
    """
    if settings.fhir_client_id is None:
        return None
    key, wanted, client_id = (
        private_key(settings),
        settings.fhir_scopes or scopes,
        settings.fhir_client_id,
    )
    if not wanted:
        raise Misconfigured(
            "CARELOOP_FHIR_SCOPES: which scopes to ask for (`careloop scopes SERVICE` prints them)"
        )

    def fetch() -> tuple[str, float]:
        with httpx.Client(
            verify=verify, timeout=settings.fhir_timeout_sec, trust_env=False
        ) as client:
            return request_token(client, discover(client, settings, base), client_id, key, wanted)

    return BackendServices(base, fetch)


def discover(client: httpx.Client, settings: Settings, base: str) -> Discovery:
    """The token endpoint: the setting, or what the EHR's discovery document names.

    Raises:
        Misconfigured: the EHR has no such document, and the setting is empty.
    """
    if settings.fhir_token_url:
        return Discovery(settings.fhir_token_url)
    response = _call(
        client,
        client.build_request(
            "GET", f"{base}/.well-known/smart-configuration", headers={"Accept": "application/json"}
        ),
    )
    body = _object(response)
    token_url = body.get("token_endpoint")
    if not response.is_success or not isinstance(token_url, str):
        raise Misconfigured(
            f"CARELOOP_FHIR_TOKEN_URL: the EHR names no token endpoint ({response.status_code} to "
            ".well-known/smart-configuration)"
        )
    capabilities = body.get("capabilities", [])
    return Discovery(
        token_url, "permission-v1" in capabilities and "permission-v2" not in capabilities
    )


def request_token(
    client: httpx.Client, discovery: Discovery, client_id: str, key: Key, scopes: str
) -> tuple[str, float]:
    """A new access token, and the monotonic time from which to renew it.

    Raises:
        Misconfigured: the server refuses our client, key or scopes; it says which (RFC 6749 5.2),
            without free text.
        Unavailable: the token endpoint does not answer.
    """
    form = {
        "grant_type": "client_credentials",
        "scope": v1_scopes(scopes) if discovery.v1_only else scopes,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(client_id, key, discovery.token_url),
    }
    asked_at = time.monotonic()
    response = _call(
        client,
        client.build_request(
            "POST", discovery.token_url, data=form, headers={"Accept": "application/json"}
        ),
    )
    body = _object(response)
    token = body.get("access_token")
    if not response.is_success or not isinstance(token, str):
        raise Misconfigured(
            f"the EHR's token endpoint refused us: {response.status_code} {_oauth_error(body)} "
            "(CARELOOP_FHIR_CLIENT_ID, its key and scopes)"
        )
    lifetime = float(body.get("expires_in") or DEFAULT_LIFETIME_SEC)
    return token, asked_at + max(lifetime / 2, lifetime - RENEW_BEFORE_SEC)


def assertion(client_id: str, key: Key, token_url: str) -> str:
    """The signed JWT that says who we are (client-confidential-asymmetric 2.2): one use, four
    minutes.
    """
    algorithm = ALGORITHMS[key.key_type]
    header = {"alg": algorithm, "kid": key.kid, "typ": "JWT"}
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": token_url,
        "exp": int(time.time()) + ASSERTION_SEC,
        "jti": secrets.token_urlsafe(24),
    }
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def private_key(settings: Settings) -> Key:
    """The private key of the settings, PEM or JWK, with its `kid`.

    Raises:
        Misconfigured: no file, not readable, neither RSA nor EC P-384.
    """
    path = settings.fhir_private_key_file
    if path is None:
        raise Misconfigured(
            "CARELOOP_FHIR_PRIVATE_KEY_FILE: a private key (PEM or JWK) is needed, and none is "
            "named"
        )
    try:
        key = _parse(path.read_bytes())
    except (OSError, ValueError, JoseError) as error:
        raise Misconfigured(
            f"CARELOOP_FHIR_PRIVATE_KEY_FILE: not a PEM or JWK private key ({type(error).__name__})"
        ) from None
    if not key.is_private:
        raise Misconfigured("CARELOOP_FHIR_PRIVATE_KEY_FILE: that is a public key")
    if isinstance(key, ECKey) and key.curve_name != "P-384":
        raise Misconfigured("CARELOOP_FHIR_PRIVATE_KEY_FILE: an EC key must be on P-384 (ES384)")
    if settings.fhir_key_id:
        return type(key).import_key({**key.as_dict(private=True), "kid": settings.fhir_key_id})
    key.ensure_kid()
    return key


def public_jwks(settings: Settings) -> Json:
    """The JWK Set to register at the EHR, or to serve at `.well-known/jwks.json`: public members
    only.
    """
    key = private_key(settings)
    return {
        "keys": [
            {
                **key.as_dict(private=False),
                "alg": ALGORITHMS[key.key_type],
                "use": "sig",
                "key_ops": ["verify"],
            }
        ]
    }


def v1_scopes(scopes: str) -> str:
    """The SMART v1 scopes that hold the same: `system/Task.crus` becomes `system/Task.read
    system/Task.write`.
    """
    found: list[str] = []
    for scope in scopes.split():
        name, _, letters = scope.rpartition(".")
        found += [f"{name}.read"] * bool(set(letters) & set("rs")) + [f"{name}.write"] * bool(
            set(letters) & set("cud")
        )
    return " ".join(dict.fromkeys(found))


def _parse(raw: bytes) -> Key:
    if raw.lstrip().startswith(b"{"):
        members = json.loads(raw)
        return (
            ECKey.import_key(members) if members.get("kty") == "EC" else RSAKey.import_key(members)
        )
    try:
        return RSAKey.import_key(raw)
    except (ValueError, JoseError):
        return ECKey.import_key(raw)


def _call(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    try:
        response = client.send(request)
    except httpx.TransportError as error:
        raise Unavailable("ehr", f"token endpoint: {type(error).__name__}") from error
    if response.status_code == 429 or response.status_code >= 500:
        raise Unavailable("ehr", f"token endpoint: {response.status_code}")
    return response


def _object(response: httpx.Response) -> Json:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _oauth_error(body: Json) -> str:
    error = body.get("error")
    return (
        error
        if isinstance(error, str) and error.replace("_", "").isalpha() and len(error) <= 40
        else "without a reason"
    )
