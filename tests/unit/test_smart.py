"""SMART Backend Services: against the real sekmet with authorisation on, and against a small token
server that we can vex.
"""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from shared.ehr.client import open_ehr
from shared.ehr.keys import assertion, private_key, public_jwks
from shared.ehr.scopes import permissions, scope_text, v1_scopes
from shared.ehr.smart import BackendServices, discover, on_base, request_token
from shared.errors import FhirError, Misconfigured, Unavailable
from shared.json import Json
from shared.settings import Settings, load_settings
from tests.peers import sekmet

TASK: Json = {"resourceType": "Task", "status": "draft", "intent": "order"}


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


def settings_of(key: Path, **more: Any) -> Settings:
    return load_settings(fhir_client_id=f"careloop-{key.stem}", fhir_private_key_file=key, **more)


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


class TestAtSekmet:
    """The real token endpoint checks signature, audience, expiry and jti, and the FHIR API the
    scopes.
    """

    @pytest.mark.parametrize("name", ["rsa.pem", "ec.pem", "ec.jwk"])
    def test_each_kind_of_key_is_let_in(self, base: str, keys: dict[str, Path], name: str) -> None:
        with open_ehr(settings_of(keys[name], fhir_url=base), "system/Task.crus") as ehr:
            made = ehr.create(TASK).reference
            assert (ehr.read(made) or {})["status"] == "draft"

    def test_what_the_scopes_do_not_hold_is_refused(self, base: str, keys: dict[str, Path]) -> None:
        with open_ehr(settings_of(keys["ec.pem"], fhir_url=base), "system/Patient.rs") as ehr:
            assert list(ehr.search("Patient", {})) == []
            with pytest.raises(FhirError) as refused:
                ehr.create(TASK)
            assert refused.value.status == 403

    def test_a_transaction_takes_the_right_to_create_everything(
        self, base: str, keys: dict[str, Path]
    ) -> None:
        """A habit of sekmet (docs/ehr.md): it asks for `*` before it looks at the entries."""
        bundle = {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [{"resource": TASK, "request": {"method": "POST", "url": "Task"}}],
        }
        settings = settings_of(keys["ec.pem"], fhir_url=base)
        with open_ehr(settings, "system/Task.crus") as ehr, pytest.raises(FhirError) as refused:
            ehr.transact(bundle)
        assert refused.value.status == 403
        with open_ehr(settings, "system/*.c") as ehr:
            assert len(ehr.transact(bundle)) == 1

    def test_scopes_that_nobody_granted_are_misconfigured(
        self, base: str, keys: dict[str, Path]
    ) -> None:
        settings = settings_of(keys["ec.pem"], fhir_url=base)
        with (
            open_ehr(settings, "system/Observation.rs") as ehr,
            pytest.raises(Misconfigured, match="400 invalid_scope"),
        ):
            ehr.read("Observation/1")

    def test_a_stranger_is_misconfigured(self, base: str, keys: dict[str, Path]) -> None:
        settings = load_settings(
            fhir_client_id="stranger", fhir_private_key_file=keys["rsa.pem"], fhir_url=base
        )
        with (
            open_ehr(settings, "system/Task.crus") as ehr,
            pytest.raises(Misconfigured, match="401 invalid_client"),
        ):
            ehr.read("Task/1")

    def test_without_credentials_the_service_pauses_and_a_caller_is_refused(
        self, base: str
    ) -> None:
        with (
            open_ehr(load_settings(fhir_url=base)) as ehr,
            pytest.raises(Unavailable, match="does not accept our credentials"),
        ):
            ehr.read("Task/1")
        with (
            open_ehr(load_settings(fhir_url=base), bearer="not-a-token") as ehr,
            pytest.raises(FhirError) as refused,
        ):
            ehr.read("Task/1")
        assert refused.value.status == 401

    def test_a_callers_token_is_forwarded(self, base: str, keys: dict[str, Path]) -> None:
        settings = settings_of(keys["rsa.pem"], fhir_url=base)
        with httpx.Client(trust_env=False) as client:
            token, _ = request_token(
                client,
                discover(client, settings, base),
                "careloop-rsa",
                private_key(settings),
                "system/Patient.rs",
            )
        with open_ehr(load_settings(fhir_url=base), bearer=token) as ehr:
            assert list(ehr.search("Patient", {})) == []


class TokenServer:
    """An EHR and its token endpoint as one function: counts what it gives, forgets tokens on
    demand.
    """

    def __init__(self, lifetime: float = 3600) -> None:
        self.lifetime = lifetime
        self.given: list[str] = []
        self.forms: list[dict[str, list[str]]] = []
        self.accepted: set[str] = set()
        self.refuses = False
        self._lock = threading.Lock()

    def respond(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("smart-configuration"):
            return httpx.Response(
                200,
                json={
                    "token_endpoint": "https://auth.test/token",
                    "capabilities": ["permission-v2"],
                },
            )
        if request.url.path == "/token":
            return self._token(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return httpx.Response(
            200 if token in self.accepted else 401,
            json={**TASK, "id": "1", "meta": {"versionId": "1"}},
        )

    def _token(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.forms.append(parse_qs(request.content.decode()))
            if self.refuses:
                return httpx.Response(
                    400, json={"error": "invalid_client", "error_description": "Jane Doe"}
                )
            token = f"token-{len(self.given)}"
            self.given.append(token)
            self.accepted.add(token)
            return httpx.Response(
                200,
                json={"access_token": token, "token_type": "bearer", "expires_in": self.lifetime},
            )


class TestTokens:
    BASE = "https://ehr.test/fhir"

    @pytest.fixture
    def server(self) -> TokenServer:
        return TokenServer()

    @pytest.fixture
    def http(self, server: TokenServer, keys: dict[str, Path]) -> Iterator[httpx.Client]:
        settings = settings_of(keys["ec.pem"])
        with httpx.Client(transport=httpx.MockTransport(server.respond)) as inner:

            def fetch() -> tuple[str, float]:
                return request_token(
                    inner,
                    discover(inner, settings, self.BASE),
                    "careloop-ec",
                    private_key(settings),
                    "system/Task.rs",
                )

            with httpx.Client(
                transport=httpx.MockTransport(server.respond),
                auth=BackendServices(self.BASE, fetch),
            ) as client:
                yield client

    def test_one_token_serves_many_threads(self, server: TokenServer, http: httpx.Client) -> None:
        with ThreadPoolExecutor(8) as pool:
            statuses = list(
                pool.map(lambda n: http.get(f"{self.BASE}/Task/{n}").status_code, range(40))
            )
        assert statuses == [200] * 40
        assert server.given == ["token-0"]

    def test_it_is_renewed_before_it_expires(self, server: TokenServer, http: httpx.Client) -> None:
        server.lifetime = 4
        http.get(f"{self.BASE}/Task/1")
        http.get(f"{self.BASE}/Task/1")
        assert len(server.given) == 1
        time.sleep(2.2)
        http.get(f"{self.BASE}/Task/1")
        assert len(server.given) == 2

    def test_after_a_401_one_more_try_with_a_new_one(
        self, server: TokenServer, http: httpx.Client
    ) -> None:
        http.get(f"{self.BASE}/Task/1")
        server.accepted.clear()
        with ThreadPoolExecutor(8) as pool:
            assert set(
                pool.map(lambda _: http.get(f"{self.BASE}/Task/1").status_code, range(8))
            ) == {200}
        assert len(server.given) == 2

    def test_a_refusal_after_it_worked_is_a_pause(
        self, server: TokenServer, http: httpx.Client
    ) -> None:
        http.get(f"{self.BASE}/Task/1")
        server.accepted.clear()
        server.refuses = True
        with pytest.raises(Unavailable, match="invalid_client") as paused:
            http.get(f"{self.BASE}/Task/1")
        assert "Jane" not in str(paused.value)

    @pytest.mark.parametrize(
        "url",
        [
            "https://other.test/fhir/x",
            "http://ehr.test/fhir/x",
            "https://ehr.test:8443/fhir/x",
            "https://ehr.test/admin",
            "https://ehr.test/fhirx",
        ],
    )
    def test_it_goes_nowhere_else(self, server: TokenServer, http: httpx.Client, url: str) -> None:
        assert not on_base(httpx.URL(url), self.BASE)
        response = http.get(url)
        assert "authorization" not in response.request.headers
        assert server.given == []

    def test_the_assertion_is_what_the_guide_asks_for(
        self, server: TokenServer, http: httpx.Client, keys: dict[str, Path]
    ) -> None:
        http.get(f"{self.BASE}/Task/1")
        server.accepted.clear()
        http.get(f"{self.BASE}/Task/1")
        jwks = KeySet.import_key_set(public_jwks(settings_of(keys["ec.pem"])))
        tokens = [
            jwt.decode(form["client_assertion"][0], jwks, algorithms=["ES384"])
            for form in server.forms
        ]
        claims = [token.claims for token in tokens]
        assert tokens[0].header["typ"] == "JWT"
        assert tokens[0].header["kid"] == public_jwks(settings_of(keys["ec.pem"]))["keys"][0]["kid"]
        assert {(c["iss"], c["sub"], c["aud"]) for c in claims} == {
            ("careloop-ec", "careloop-ec", "https://auth.test/token")
        }
        assert all(0 < c["exp"] - time.time() <= 300 for c in claims)
        assert claims[0]["jti"] != claims[1]["jti"]
        form = server.forms[0]
        assert (form["grant_type"], form["scope"]) == (["client_credentials"], ["system/Task.rs"])
        assert form["client_assertion_type"] == [
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        ]


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
