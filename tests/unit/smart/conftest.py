"""Fixtures of the tests of smart."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from shared.ehr.auth.keys import public_jwks
from tests.peers import sekmet
from tests.unit.smart.support import settings_of


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A key file of each kind that hospitals hand out."""
    folder = tmp_path_factory.mktemp("keys")
    rsa, ec = RSAKey.generate_key(2048), ECKey.generate_key("P-384")
    contents = {
        "rsa.pem": rsa.as_pem(private=True),
        "ec.pem": ec.as_pem(private=True),
        "ec.jwk": json.dumps(ec.as_dict(private=True)).encode(),
        "p256.pem": ECKey.generate_key("P-256").as_pem(private=True),
        "public.pem": rsa.as_pem(private=False),
        "junk.pem": b"junk",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


@pytest.fixture(scope="module")
def base(keys: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base of a sekmet that wants tokens."""
    # sekmet tries every key of a client on every token, whatever its `kid`: one key each
    scopes = "system/Task.crus system/Patient.rs system/*.c"
    clients = [
        {
            "client_id": f"careloop-{name}",
            "jwks": public_jwks(settings_of(keys[f"{name}.pem"])),
            "scopes": scopes,
        }
        for name in ("rsa", "ec")
    ]
    with sekmet(tmp_path_factory.mktemp("sekmet"), clients) as peer:
        yield peer.base
