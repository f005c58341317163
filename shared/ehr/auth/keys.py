"""Our private key at the EHR: the file, the signed assertion, the public half."""

import json
import secrets
import time
from typing import Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from shared.errors import Misconfigured
from shared.json import Json
from shared.settings import Settings

Key = RSAKey | ECKey

ASSERTION_SEC: Final = 240
"""The guide allows five minutes; a clock may be off by one."""
ALGORITHMS: Final = {"RSA": "RS384", "EC": "ES384"}


def private_key(settings: Settings) -> Key:
    """Read the private key of the settings, PEM or JWK, with its `kid`.

    Raises:
        Misconfigured: there is no file, it can't be read, or it is neither RSA nor EC P-384.
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
    """Return the JWK Set of the public key.

    Register it at the EHR, or serve it at `.well-known/jwks.json`.
    """
    key = private_key(settings)
    use = {"alg": ALGORITHMS[key.key_type], "use": "sig", "key_ops": ["verify"]}
    return {"keys": [key.as_dict(private=False) | use]}


def assertion(client_id: str, key: Key, token_url: str) -> str:
    """Sign the JWT as proof of our identity (client-confidential-asymmetric 2.2).

    It is good for one use within four minutes.
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


def _parse(raw: bytes) -> Key:
    if raw.lstrip().startswith(b"{"):
        members = json.loads(raw)
        kind = ECKey if members.get("kty") == "EC" else RSAKey
        return kind.import_key(members)
    try:
        return RSAKey.import_key(raw)
    except (ValueError, JoseError):
        return ECKey.import_key(raw)
