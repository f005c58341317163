"""FakeEhr: the API behind a real socket.

The socket has keep-alive and one thread per connection.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from benchmarks.fake_ehr import transactions
from benchmarks.fake_ehr.faults import Faults
from benchmarks.fake_ehr.habits import SEKMET, Habits
from benchmarks.fake_ehr.pages import Answer, Request, shown
from benchmarks.fake_ehr.rest import Rest
from benchmarks.fake_ehr.rules import undated, unversioned
from benchmarks.fake_ehr.store import Stored
from benchmarks.fake_ehr.subscriptions import Subscriptions
from shared.json import Json


class Dropped(Exception):
    """The connection breaks without an answer."""


class FakeEhr:
    """An EHR in memory. Use it as a context manager; `base` is its URL.

    Args:
        port: on the loopback interface; 0: a free one.

    Attributes:
        faults: what shall go wrong.
        requests: `(method, path, headers)` of what was asked, oldest first.
    """

    def __init__(self, habits: Habits = SEKMET, port: int = 0) -> None:
        self.habits = habits
        self.faults = Faults()
        self.requests: list[tuple[str, str, Mapping[str, str]]] = []
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.ehr = self
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}/fhir"
        self.rest = Rest(habits, self.base, self._committed)
        self._subscriptions = Subscriptions(
            habits, self.rest.store, self.rest.shown_base, self._set_status
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="fake-ehr",
            daemon=True,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.close_connections()
        self._subscriptions.close()

    @property
    def connections(self) -> int:
        """How many were opened, so far."""
        return self._server.opened

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes
    ) -> Answer:
        """One request, from its line, headers (names in lower case) and body.

        Raises Dropped.
        """
        parts = urlsplit(target)
        path = unquote(parts.path.removeprefix("/fhir").strip("/"))
        self.requests.append((method, path, headers))
        if self.faults.latency_sec:
            time.sleep(self.faults.latency_sec)
        fault = self.faults.next(method, path)
        if fault and fault.status is not None:
            extra = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
            return Answer(
                fault.status,
                {
                    "resourceType": "OperationOutcome",
                    "issue": [{"severity": "error", "code": "transient"}],
                },
                extra,
            )
        answer = self._work(method, path, parts.query, headers, content)
        if not self.habits.keeps_versions:
            answer = _unversioned(answer)
        if not self.habits.dates_resources:
            answer = replace(answer, body=undated(answer.body))
        if fault:
            raise Dropped
        return shown(self.habits, answer, path, parts.query)

    def _work(
        self, method: str, path: str, query: str, headers: Mapping[str, str], content: bytes
    ) -> Answer:
        if (
            path.startswith("Subscription/")
            and path.endswith("/$status")
            and self.habits.handshakes
        ):
            subscription = self.rest.store.current("Subscription", path.split("/")[1])
            return (
                Answer(404)
                if subscription is None
                else Answer(200, self._subscriptions.status(subscription))
            )
        body = None
        if content:
            try:
                body = orjson.loads(content)
            except orjson.JSONDecodeError:
                return Answer(
                    400,
                    {
                        "resourceType": "OperationOutcome",
                        "issue": [{"severity": "error", "code": "structure"}],
                    },
                )
        request = Request(method, path, parse_qsl(query, keep_blank_values=True), headers, body)
        answer = (
            self.rest.answer(request)
            if path or method != "POST"
            else transactions.answer(self.rest, request, self.faults)
        )
        minimal = (
            "return=minimal" in headers.get("prefer", "") and method in ("POST", "PUT") and path
        )
        return (
            Answer(answer.status, None, answer.headers)
            if minimal and answer.status < 400
            else answer
        )

    def resources(self, kind: str) -> list[Json]:
        """Every standing resource of the type, for assertions."""
        with self.rest.store.lock:
            return list(self.rest.store.all(kind))

    def _committed(self, written: list[Stored]) -> None:
        self._subscriptions.committed(written)

    def _set_status(self, subscription_id: str, status: str) -> None:
        """The server's own update: nothing is checked."""
        store = self.rest.store
        with self.rest.transaction():
            current = store.current("Subscription", subscription_id)
            if current is not None:
                store.write("Subscription", subscription_id, {**current, "status": status}, "PUT")


def _unversioned(answer: Answer) -> Answer:
    headers = {k: v for k, v in answer.headers.items() if k != "ETag"}
    if "Location" in headers:
        headers["Location"] = headers["Location"].split("/_history/")[0]
    return replace(answer, body=unversioned(answer.body), headers=headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    ehr: FakeEhr

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open: set[socket.socket] = set()
        self.opened = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self.opened += 1
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Break the connections that clients keep alive: a stopped server answers nobody."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _respond(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        content = self.rfile.read(length) if length else b""
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            answer = self.server.ehr.answer(self.command, self.path, headers, content)
        except Dropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._write(answer)

    def _write(self, answer: Answer) -> None:
        body = _content(answer)
        lines = {"Content-Type": "application/fhir+json; charset=utf-8", **answer.headers}
        if answer.status != 204:
            lines["Content-Length"] = str(len(body))
        head = (
            f"HTTP/1.1 {answer.status} {'OK' if answer.status < 400 else 'Refused'}\r\n"
            + "".join(f"{k}: {v}\r\n" for k, v in lines.items())
            + "\r\n"
        )
        self.wfile.write(
            head.encode() + body
        )  # one write: with two, delayed acknowledgement costs 40 ms

    do_GET = do_POST = do_PUT = do_DELETE = _respond

    def log_message(self, format: str, *args: object) -> None:
        """Silent: queries identify people."""


def _content(answer: Answer) -> bytes:
    if answer.raw is not None:
        return answer.raw
    return b"" if answer.body is None else orjson.dumps(answer.body)
