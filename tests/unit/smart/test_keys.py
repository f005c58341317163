"""Smart: keys."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from shared.ehr.auth.keys import assertion, private_key, public_jwks
from shared.ehr.auth.scopes import permissions, scope_text, v1_scopes
from shared.ehr.auth.smart import discover
from shared.ehr.opening import open_ehr
from shared.errors import Misconfigured, Unavailable
from shared.settings import load_settings
from tests.unit.smart.support import settings_of


class TestKeys:
    @pytest.mark.parametrize(
        ("name", "algorithm"), [("rsa.pem", "RS384"), ("ec.pem", "ES384"), ("ec.jwk", "ES384")]
    )
    def test_the_jwks_is_public_and_verifies(
        self, keys: dict[str, Path], name: str, algorithm: str
    ) -> None:
        settings = settings_of(keys[name])
        jwks = public_jwks(settings)
        assert jwks["keys"][0]["alg"] == algorithm
        assert not {"d", "p", "q", "dp", "dq", "qi"} & set(jwks["keys"][0])
        signed = assertion("me", private_key(settings), "https://auth.test/token")
        assert (
            jwt.decode(signed, KeySet.import_key_set(jwks), algorithms=[algorithm]).claims["sub"]
            == "me"
        )

    def test_a_key_id_may_be_given(self, keys: dict[str, Path]) -> None:
        assert (
            public_jwks(settings_of(keys["rsa.pem"], fhir_key_id="mine"))["keys"][0]["kid"]
            == "mine"
        )

    @pytest.mark.parametrize("name", ["p256.pem", "public.pem", "junk.pem"])
    def test_other_keys_are_refused(self, keys: dict[str, Path], name: str) -> None:
        with pytest.raises(Misconfigured, match="CARELOOP_FHIR_PRIVATE_KEY_FILE"):
            private_key(settings_of(keys[name]))

    def test_a_client_needs_a_key_and_scopes(self, keys: dict[str, Path]) -> None:
        with pytest.raises(Misconfigured, match="CARELOOP_FHIR_PRIVATE_KEY_FILE"):
            open_ehr(load_settings(fhir_client_id="x"), "system/Task.rs")
        with pytest.raises(Misconfigured, match="CARELOOP_FHIR_SCOPES"):
            open_ehr(settings_of(keys["ec.pem"]))


class TestDiscovery:
    def found(self, response: httpx.Response, **more: Any) -> Any:
        with httpx.Client(transport=httpx.MockTransport(lambda _: response)) as client:
            return discover(client, load_settings(**more), "https://ehr.test/fhir")

    def test_the_setting_wins(self) -> None:
        assert (
            self.found(httpx.Response(404), fhir_token_url="https://auth.test/t").token_url
            == "https://auth.test/t"
        )

    @pytest.mark.parametrize(
        ("capabilities", "v1_only"),
        [(["permission-v1"], True), (["permission-v1", "permission-v2"], False), ([], False)],
    )
    def test_which_scopes_it_speaks(self, capabilities: list[str], v1_only: bool) -> None:
        body = {"token_endpoint": "https://auth.test/t", "capabilities": capabilities}
        assert self.found(httpx.Response(200, json=body)).v1_only == v1_only

    @pytest.mark.parametrize(
        "response",
        [
            httpx.Response(404),
            httpx.Response(200, json={}),
            httpx.Response(200, text="<html>"),
            httpx.Response(200, json=[]),
        ],
    )
    def test_none(self, response: httpx.Response) -> None:
        with pytest.raises(Misconfigured, match="CARELOOP_FHIR_TOKEN_URL"):
            self.found(response)

    def test_down(self) -> None:
        with pytest.raises(Unavailable):
            self.found(httpx.Response(503))


def test_v1_scopes_hold_the_same() -> None:
    assert v1_scopes("system/Task.crus system/Patient.rs system/AuditEvent.c") == (
        "system/Task.read system/Task.write system/Patient.read system/AuditEvent.write"
    )
    assert "system/Provenance.read system/Provenance.write" in v1_scopes(
        scope_text(permissions([], []))
    )
