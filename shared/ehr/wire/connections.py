"""Connections to the EHR, kept alive for a few seconds (urllib3).

No proxy of the environment, no redirect, no repetition. Safe to share between threads.
"""

import math
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from shared.ehr.wire.body import BadBody, ungzipped
from shared.ehr.wire.response import Response

Limit = Callable[[Mapping[str, str]], int]
Sent = Callable[[str], None]

# Some servers close an idle connection after 5 s: a write on it would be lost without an answer.
KEEPALIVE_SEC: Final = 3.0
AT_MOST: Final = 64
PART: Final = 65_536
REFUSAL: Final = 65_536
"""Bytes of a refusal's body, where a limit was given."""


class TransportError(Exception):
    """No complete answer came; the message is the class of the cause."""


class TooLarge(Exception):
    """The body is beyond the limit."""


class _Kept(HTTPConnection):
    """A connection for reuse within `KEEPALIVE_SEC`."""

    answered_at = 0.0

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself
        """Read the head of the answer, and note the time."""
        response = super().getresponse()
        self.answered_at = time.monotonic()
        return response

    @property
    def is_connected(self) -> bool:
        """Tell whether it may carry another request."""
        return time.monotonic() - self.answered_at < KEEPALIVE_SEC and super().is_connected


class _KeptTls(_Kept, HTTPSConnection):
    """The same under TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Kept


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _KeptTls


class Connections:
    """A pool for each origin.

    Args:
        verify: the certificates to trust.
        sent: called with the method of each request, each try too.
    """

    def __init__(self, verify: ssl.SSLContext | None = None, sent: Sent = lambda _: None) -> None:
        self._verify = verify
        self._sent = sent
        self._pools: dict[tuple[str, str], HTTPConnectionPool] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        for pool in list(self._pools.values()):
            pool.close()

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None = None,
        *,
        timeout_sec: float,
        limit: Limit | None = None,
    ) -> Response:
        """Send one request, once, and read the answer.

        Args:
            url: absolute; an http or https URL.
            timeout_sec: for everything together; with a limit, for each part of the body.
            limit: the bytes that a success may have, from its headers. A refusal is cut.

        Raises:
            TransportError: there is no complete answer.
            TooLarge: the body is beyond the limit.
        """
        deadline = time.monotonic() + (timeout_sec if limit is None else math.inf)
        self._sent(method)
        try:
            raw = self._open(method, url, headers, content, timeout_sec)
            try:
                return _read(raw, deadline, limit)
            finally:
                # A connection with a rest of the body on it can't be used again.
                raw.close()
                raw.release_conn()
        except (HTTPError, HTTPException, OSError, BadBody) as error:
            raise TransportError(type(error).__name__) from error

    def _open(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        timeout_sec: float,
    ) -> BaseHTTPResponse:
        parts = urlsplit(url)
        path = parts.path or "/"
        return self._pool(parts.scheme, parts.netloc).urlopen(
            method,
            f"{path}?{parts.query}" if parts.query else path,
            body=content,
            headers={"Accept-Encoding": "gzip", **headers},
            retries=False,
            redirect=False,
            timeout=Timeout(total=timeout_sec),
            pool_timeout=math.ceil(timeout_sec),
            preload_content=False,
            decode_content=False,
        )

    def _pool(self, scheme: str, place: str) -> HTTPConnectionPool:
        found = self._pools.get((scheme, place))
        if found is None:
            with self._lock:
                found = self._pools.setdefault((scheme, place), self._new(scheme, place))
        return found

    def _new(self, scheme: str, place: str) -> HTTPConnectionPool:
        parts = urlsplit(f"{scheme}://{place}")
        options: dict[str, Any] = {"maxsize": AT_MOST, "block": True}
        if scheme == "https":
            context = self._verify or ssl.create_default_context()
            return _TlsPool(parts.hostname or "", parts.port, ssl_context=context, **options)
        return _Pool(parts.hostname or "", parts.port, **options)


def _read(raw: BaseHTTPResponse, deadline: float, limit: Limit | None) -> Response:
    answer = Response(raw.status, raw.headers, b"")
    at_most = None if limit is None else limit(raw.headers) if answer.is_success else REFUSAL
    content = _body(raw, deadline, at_most)
    if at_most is not None and len(content) > at_most:
        if answer.is_success:
            raise TooLarge
        return answer
    content = ungzipped(content, raw.headers.get("Content-Encoding", ""), at_most)
    if at_most is not None and len(content) > at_most:
        raise TooLarge
    return Response(raw.status, raw.headers, content)


def _body(raw: BaseHTTPResponse, deadline: float, at_most: int | None) -> bytes:
    """Read the body as it was sent, or the first part beyond the limit."""
    parts, total = [], 0
    while part := raw.read1(PART):
        parts.append(part)
        total += len(part)
        if at_most is not None and total > at_most:
            break
        if time.monotonic() > deadline:
            raise TimeoutError
    return b"".join(parts)
