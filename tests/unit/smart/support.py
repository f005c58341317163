"""What the tests of smart share."""

import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx

from shared.ehr.wire.response import Response
from shared.json import Json
from shared.settings import Settings, load_settings
from tests.served import Asked, json_response

TASK: Json = {"resourceType": "Task", "status": "draft", "intent": "order"}


def settings_of(key: Path, **more: Any) -> Settings:
    return load_settings(fhir_client_id=f"careloop-{key.stem}", fhir_private_key_file=key, **more)


class TokenServer:
    """A token endpoint, and the EHR that takes its tokens: counts what it gives, forgets tokens on
    demand.
    """

    def __init__(self, lifetime: float = 3600) -> None:
        self.lifetime = lifetime
        self.given: list[str] = []
        self.forms: list[dict[str, list[str]]] = []
        self.accepted: set[str] = set()
        self.refuses = False
        self.forgets = False
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
        return self._token(request)

    def ehr(self, asked: Asked) -> Response:
        """The EHR's answer."""
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        body = {**TASK, "id": "1", "meta": {"versionId": "1"}}
        return json_response(body, 200 if token in self.accepted and not self.forgets else 401)

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
