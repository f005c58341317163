"""One request to the EHR: safe retries, and an error for every failure.

A write is repeated only after 429 or 503: the server said that it did nothing. After a reset or a
timeout nobody knows, so that is `Unavailable`, and whoever writes starts again from the head.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
import orjson
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
)

from shared.ehr.responses import issues_of
from shared.errors import CareloopError, Conflict, FhirError, Unavailable
from shared.json import Json

Query = list[tuple[str, str | int | float | bool | None]]
Before = Callable[[str, str], None]

FHIR_JSON: Final = "application/fhir+json"
ATTEMPTS: Final = 3
FIRST_WAIT_SEC: Final = 0.25
REFUSED_FOR_NOW: Final = frozenset({429, 503})
"""The server did nothing."""
MAYBE_DONE: Final = frozenset({502, 504})
"""A gateway lost the answer."""
NEVER: Final = frozenset({501, 505})
"""Waiting does not help against these."""
HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
"""Half a surrogate pair."""


class Rest:
    """HTTP to one FHIR base. Safe to share between threads.

    Args:
        client: carries TLS, authentication and the pool.
        base: without a trailing slash.
        timeout_sec: bounds one call with all its tries.
        before: called with (method, path) before each call; what it raises stops the call (an audit
            log that can't be written).
        forwarded: the credentials are a caller's: a 401 is the caller's error, not a pause of ours.
    """

    def __init__(
        self,
        client: httpx.Client,
        base: str,
        timeout_sec: float,
        before: Before | None = None,
        *,
        forwarded: bool = False,
    ) -> None:
        self.client = client
        self.base = base
        self.timeout_sec = timeout_sec
        self.forwarded = forwarded
        self._before = before

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Query | None = None,
        headers: Mapping[str, str] | None = None,
        body: Json | None = None,
        missing_is_none: bool = False,
    ) -> httpx.Response | None:
        """Send a request and return the successful answer.

        Args:
            url: a path on the base (`Task/7`, or empty), or an absolute URL on the base.
            body: sent as FHIR JSON.
            missing_is_none: return None for 404 and 410.

        Raises:
            Conflict, Unavailable, FhirError: see `shared.errors`.
        """
        full = url if url.startswith(self.base) else f"{self.base}/{url}".rstrip("/")
        place = self.announce(method, full)
        content = None if body is None else orjson.dumps(body)
        content_type = {} if body is None else {"Content-Type": FHIR_JSON}
        sent = {"Accept": FHIR_JSON} | content_type | dict(headers or {})
        deadline = time.monotonic() + self.timeout_sec

        def attempt() -> httpx.Response | None:
            left = max(0.1, deadline - time.monotonic())
            request = self.client.build_request(
                method, full, params=params, headers=sent, content=content, timeout=left
            )
            return self._once(request, place, missing_is_none=missing_is_none)

        return _retrying(self.timeout_sec)(attempt)

    def announce(self, method: str, url: str) -> str:
        """Announce a request to `before`; return its path on the base, without query.

        For another origin it is that origin's URL.
        """
        place = url.removeprefix(self.base).split("?")[0].lstrip("/")
        if self._before:
            self._before(method, place)
        return place

    def _once(
        self, request: httpx.Request, place: str, *, missing_is_none: bool
    ) -> httpx.Response | None:
        safe = request.method == "GET"
        try:
            response = self.client.send(request)
        except httpx.RequestError as error:
            # Among them DecodingError: a gateway broke the body.
            raise Unavailable(
                "ehr", f"{type(error).__name__} at {self.base}", fleeting=safe
            ) from error

        if response.is_success:
            return response
        if missing_is_none and response.status_code in (404, 410):
            return None
        raise failure(
            response, f"{request.method} {place}".strip(), safe=safe, forwarded=self.forwarded
        )


def failure(
    response: httpx.Response, request: str, *, safe: bool, forwarded: bool
) -> CareloopError:
    """Choose the error for an answer without success.

    Args:
        safe: the request may be repeated.
        forwarded: see `Rest`. With credentials of our own a 401 (after one renewal, see `smart`)
            says nothing about the record at hand: the service pauses until they are accepted
            again.
    """
    status = response.status_code
    if status == 401 and not forwarded:
        return Unavailable("ehr", f"it does not accept our credentials (401 to {request})")
    if status in (409, 412):
        return Conflict(f"EHR answered {status} to {request}")
    if status in REFUSED_FOR_NOW or (safe and status in MAYBE_DONE):
        return Unavailable("ehr", f"{status} to {request}", retry_after(response), fleeting=True)
    if status >= 500 and status not in NEVER:
        return Unavailable(
            "ehr", f"{status} to {request}", retry_after(response), suspect=status == 500
        )
    return FhirError(status, request, issues_of(json_or_none(response)))


def json_or_none(response: httpx.Response) -> object:
    """Read the body; None for anything but JSON.

    Half a surrogate pair, legal in JSON and no Unicode, becomes U+FFFD: it is no reason to read
    nothing.
    """
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return _repaired(response.content) if HALF.search(response.content) else None


def _repaired(body: bytes) -> object:
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False)
        return orjson.loads(
            text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        )
    except (ValueError, RecursionError):
        # orjson's and json's errors are ValueErrors.
        return None


def json_object(response: httpx.Response) -> Json:
    """Read the body as a resource.

    Raises Unavailable for anything else: a proxy's page says nothing about the request.
    """
    body = json_or_none(response)
    if not isinstance(body, dict):
        raise Unavailable("ehr", f"{response.status_code} without FHIR JSON")
    return body


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds of `Retry-After` (RFC 9110 10.2.3: a number or a date)."""
    text = response.headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _retrying(timeout_sec: float) -> Retrying:
    stop = stop_after_attempt(ATTEMPTS) | stop_before_delay(timeout_sec)
    return Retrying(retry=retry_if_exception(_fleeting), stop=stop, wait=_wait, reraise=True)


def _fleeting(error: BaseException) -> bool:
    return isinstance(error, Unavailable) and error.fleeting


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_sec if isinstance(error, Unavailable) else None
    return FIRST_WAIT_SEC * 4.0 ** (state.attempt_number - 1) if asked is None else asked
