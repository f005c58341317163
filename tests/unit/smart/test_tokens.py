"""Smart: tokens."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from shared.ehr.auth.keys import private_key, public_jwks
from shared.ehr.auth.smart import BackendServices, discover, request_token
from shared.ehr.http import Rest, on_base
from shared.ehr.opening import open_ehr
from shared.ehr.wire.connections import Connections
from shared.errors import FhirError, Misconfigured, Unavailable
from shared.settings import load_settings
from tests.served import Served
from tests.unit.smart.support import TASK, TokenServer, settings_of


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


class TestTokens:
    @pytest.fixture
    def server(self) -> TokenServer:
        return TokenServer()

    @pytest.fixture
    def rest(self, server: TokenServer, keys: dict[str, Path]) -> Iterator[Rest]:
        settings = settings_of(keys["ec.pem"])
        with (
            Served(server.ehr) as served,
            httpx.Client(transport=httpx.MockTransport(server.respond)) as inner,
        ):
            base = f"{served.url}/fhir"

            def fetch() -> tuple[str, float]:
                return request_token(
                    inner,
                    discover(inner, settings, base),
                    "careloop-ec",
                    private_key(settings),
                    "system/Task.rs",
                )

            rest = Rest(Connections(), base, 5.0, BackendServices(fetch))
            yield rest
            rest.close()

    def status(self, rest: Rest, place: str = "Task/1") -> int:
        return rest.once("GET", f"{rest.base}/{place}", {}, timeout_sec=5.0).status

    def test_one_token_serves_many_threads(self, server: TokenServer, rest: Rest) -> None:
        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(lambda n: self.status(rest, f"Task/{n}"), range(40)))
        assert statuses == [200] * 40
        assert server.given == ["token-0"]

    def test_it_is_renewed_before_it_expires(self, server: TokenServer, rest: Rest) -> None:
        server.lifetime = 4
        self.status(rest)
        self.status(rest)
        assert len(server.given) == 1
        time.sleep(2.2)
        self.status(rest)
        assert len(server.given) == 2

    def test_after_a_401_one_more_try_with_a_new_one(self, server: TokenServer, rest: Rest) -> None:
        self.status(rest)
        server.accepted.clear()
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: self.status(rest), range(8))) == {200}
        assert len(server.given) == 2

    def test_a_refusal_after_it_worked_is_a_pause(self, server: TokenServer, rest: Rest) -> None:
        self.status(rest)
        server.accepted.clear()
        server.refuses = True
        with pytest.raises(Unavailable, match="invalid_client") as paused:
            self.status(rest)
        assert "Jane" not in str(paused.value)

    def test_a_token_that_is_refused_twice_is_not_renewed_again(
        self, server: TokenServer, rest: Rest
    ) -> None:
        self.status(rest)
        server.forgets = True
        with pytest.raises(Unavailable, match="does not accept our credentials"):
            rest.send("GET", "Task/1")
        assert len(server.given) == 2

    @pytest.mark.parametrize(
        "url",
        [
            "https://other.test/fhir/x",
            "http://ehr.test/fhir/x",
            "https://ehr.test:8443/fhir/x",
            "https://ehr.test/admin",
            "https://ehr.test/fhirx",
            "https://ehr.test/fhir@other.test/x",
            "https://ehr.test/fhir/../admin",
        ],
    )
    def test_it_goes_nowhere_else(self, url: str) -> None:
        assert not on_base(url, "https://ehr.test/fhir")

    def test_another_place_on_the_same_server_sees_none(
        self, server: TokenServer, rest: Rest
    ) -> None:
        place = f"{rest.base}x/Task/1"
        assert rest.once("GET", place, {}, timeout_sec=5.0).status == 401
        assert server.given == []

    def test_the_assertion_is_what_the_guide_asks_for(
        self, server: TokenServer, rest: Rest, keys: dict[str, Path]
    ) -> None:
        self.status(rest)
        server.accepted.clear()
        self.status(rest)
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
