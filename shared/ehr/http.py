"""One request to the EHR: safe retries, and an error for every failure.

A write is repeated only after 408, 421, 425, 429 or 503: the server did nothing. After a reset or a
timeout nobody knows, so that is `Unavailable`, and whoever writes starts again from the head.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Final, Self, TypeVar
from urllib.parse import urlencode

import orjson

from shared.ehr.auth.smart import Auth
from shared.ehr.bases.known import KnownBases
from shared.ehr.bases.value import bases_of
from shared.ehr.wire.connections import Connections, Limit, TransportError
from shared.ehr.wire.failures import failure
from shared.ehr.wire.prepared import Prepared
from shared.ehr.wire.resource import json_object
from shared.ehr.wire.response import Response
from shared.errors import Unavailable
from shared.json import Json

Query = Sequence[tuple[str, str]]
Before = Callable[[str, str], None]
T = TypeVar("T")

FHIR_JSON: Final = "application/fhir+json"
ATTEMPTS: Final = 3
FIRST_WAIT_SEC: Final = 0.25
LEAST_SEC: Final = 0.1


class Rest:
    """HTTP to one FHIR base. Safe to share between threads.

    Args:
        connections: carry TLS and the pools.
        base: without a trailing slash.
        timeout_sec: bounds one call with all its tries.
        auth: our access token, or a caller's; it goes to the base alone.
        before: called with (method, path) before each call; what it raises stops the call (an audit
            log that can't be written).
        forwarded: the credentials are a caller's: a 401 is the caller's error, not a pause of ours.

    Attributes:
        bases: what is this EHR, and what another system.
        refused_batch: set once the EHR refused a batch.
    """

    def __init__(
        self,
        connections: Connections,
        base: str,
        timeout_sec: float,
        auth: Auth | None = None,
        before: Before | None = None,
        *,
        forwarded: bool = False,
    ) -> None:
        self.bases = KnownBases(bases_of(base), self._plain)
        self.refused_batch = threading.Event()
        self.base = base
        self.timeout_sec = timeout_sec
        self.forwarded = forwarded
        self._connections = connections
        self._auth = auth
        self._before = before
        self._known = Prepared()

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def knowing(self, answers: Mapping[str, Response]) -> Self:
        """Return the same with prepared answers, see `Prepared`.

        Args:
            answers: by their URL, relative to the base.
        """
        copied = copy(self)
        copied._known = self._known.plus({f"{self.base}/{u}": a for u, a in answers.items()})
        return copied

    def remembering(self) -> Self:
        """Return the same, where prepared answers stay."""
        copied = copy(self)
        copied._known = Prepared(stay=True)
        return copied

    def remembered(self, url: str) -> Response | None:
        """Return the prepared answer that stays; None without one.

        Args:
            url: relative to the base.
        """
        return self._known.keep(f"{self.base}/{url}")

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Query | None = None,
        headers: Mapping[str, str] | None = None,
        body: Json | None = None,
        safe: bool | None = None,
    ) -> Response:
        """Send a request and return the successful answer.

        Args:
            url: a path on the base (`Task/7`, or empty), or an absolute URL on the base.
            body: sent as FHIR JSON.
            safe: it may be repeated; default: a GET may.

        Raises:
            Conflict, Unavailable, FhirError: see `shared.errors`.
        """
        safe = method == "GET" if safe is None else safe
        full = url if url.startswith(self.base) else f"{self.base}/{url}".rstrip("/")
        place = self.announce(method, full)
        full += f"{'&' if '?' in full else '?'}{urlencode(params)}" if params else ""
        sent = {"Accept": FHIR_JSON, **(headers or {})}
        if body is not None:
            sent["Content-Type"] = FHIR_JSON
        content = None if body is None else orjson.dumps(body)
        deadline = time.monotonic() + self.timeout_sec

        def attempt() -> Response:
            known = self._known.take(full) if method == "GET" else None
            response = known or self._once(method, full, sent, content, deadline, safe=safe)
            if response.is_success:
                return response
            request = f"{method} {place}".strip()
            raise failure(response, request, safe=safe, forwarded=self.forwarded)

        return repeated(attempt, deadline)

    def resource(self, response: Response, request: str = "a request", kind: str = "") -> Json:
        """Read the body as a resource; make references to this EHR relative.

        Args:
            kind: the type that was searched, where the answer is a Bundle of one.
        """
        body = json_object(response, request)
        self.bases.note(body, kind)
        return self.bases.localise(body, response.content)

    def _plain(self, place: str) -> Json:
        """GET a resource as it is."""
        response = self.send("GET", place, headers={"Cache-Control": "no-cache"})
        return json_object(response, f"GET {place}")

    def announce(self, method: str, url: str) -> str:
        """Announce a request to `before`; return its path on the base, without query.

        For another origin it is that origin's URL.
        """
        place = url.removeprefix(self.base).split("?")[0].lstrip("/")
        if self._before:
            self._before(method, place)
        return place

    def once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None = None,
        *,
        timeout_sec: float,
        limit: Limit | None = None,
    ) -> Response:
        """Send a request once, and once more with a new token after a 401.

        Raises:
            TransportError, TooLarge: see `Connections.ask`.
        """

        def ask(more: Mapping[str, str]) -> Response:
            return self._connections.ask(
                method, url, {**headers, **more}, content, timeout_sec=timeout_sec, limit=limit
            )

        if self._auth is None or not on_base(url, self.base):
            return ask({})
        token = self._auth.token()
        response = ask({"Authorization": f"Bearer {token}"})
        if response.status == 401 and (renewed := self._auth.token(refused=token)) != token:
            return ask({"Authorization": f"Bearer {renewed}"})
        return response

    def _once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        deadline: float,
        *,
        safe: bool,
    ) -> Response:
        left = max(LEAST_SEC, deadline - time.monotonic())
        try:
            return self.once(method, url, headers, content, timeout_sec=left)
        except TransportError as error:
            # Among them a body that a gateway broke.
            raise Unavailable("ehr", f"{error} at {self.base}", fleeting=safe) from error


def on_base(url: str, base: str) -> bool:
    """Tell whether a URL is the base or lies below it."""
    below = url == base or url.startswith((f"{base}/", f"{base}?"))
    return below and "/.." not in url[len(base) :]


def repeated(attempt: Callable[[], T], deadline: float) -> T:
    """Try again after a fleeting error, within the deadline."""
    wait = FIRST_WAIT_SEC
    for tries in range(1, ATTEMPTS + 1):
        try:
            return attempt()
        except Unavailable as error:
            pause = wait if error.retry_after_sec is None else error.retry_after_sec
            late = time.monotonic() + pause >= deadline
            if not error.fleeting or tries == ATTEMPTS or late:
                raise
        time.sleep(pause)
        wait *= 4
    raise AssertionError("the last try returns or raises")
