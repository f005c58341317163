"""A server on the loopback interface whose answers are a function."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import orjson

from shared.ehr.wire.response import Response


@dataclass(frozen=True)
class Asked:
    """One request: `target` with its query, header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    content: bytes


Respond = Callable[[Asked], Response | Iterable[bytes]]
"""An answer, or what goes over the wire as it is, before the connection breaks."""


def json_response(body: object, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(status, {"Content-Type": "application/fhir+json"}, orjson.dumps(body))


class Served:
    """Answers every request by the function. Use as a context manager; `url` is its root."""

    def __init__(self, respond: Respond) -> None:
        self.asked: list[Asked] = []
        served = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _respond(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, content)
                served.asked.append(asked)
                answer = respond(asked)
                if isinstance(answer, Response):
                    self._whole(answer)
                else:
                    self._raw(answer)

            def _whole(self, answer: Response) -> None:
                lines = {**answer.headers, "Content-Length": str(len(answer.content))}
                head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
                line = f"HTTP/1.1 {answer.status} Answer\r\n"
                self.wfile.write(f"{line}{head}\r\n".encode() + answer.content)

            def _raw(self, parts: Iterable[bytes]) -> None:
                self.close_connection = True
                for part in parts:
                    self.wfile.write(part)

            do_GET = do_POST = do_PUT = _respond

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.place}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of ours."""
