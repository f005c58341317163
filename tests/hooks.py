"""A listener on the loopback interface that keeps what was sent to it."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from shared.json import Json


@dataclass(frozen=True)
class Received:
    """One request: `path` below the listener's root, header names in lower case, the body as JSON
    (None when empty).
    """

    method: str
    path: str
    headers: dict[str, str]
    body: Json | None


@dataclass
class Listener:
    """Answers every request with `status`. Use as a context manager; `url` is its root."""

    status: int = 200
    received: list[Received] = field(default_factory=list)

    def __enter__(self) -> Self:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def _keep(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {k.lower(): v for k, v in self.headers.items()}
                listener.received.append(
                    Received(
                        self.command,
                        self.path,
                        headers,
                        json.loads(raw) if raw.startswith(b"{") else None,
                    )
                )
                self.send_response(listener.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_PUT = do_GET = _keep

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait_for(
        self, wanted: Callable[[list[Received]], bool], timeout_sec: float = 60.0
    ) -> list[Received]:
        """What came, once it is what is wanted; AssertionError when it does not come in time."""
        deadline = time.monotonic() + timeout_sec
        while not wanted(self.received):
            assert time.monotonic() < deadline, (
                f"{[(r.method, r.path) for r in self.received]} is not what was waited for"
            )
            time.sleep(0.02)
        return list(self.received)
