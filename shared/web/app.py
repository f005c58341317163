"""The Flask application of every service, with an OperationOutcome on every error.

Its routes are /healthz, /readyz, /metrics and /openapi.json.
"""

import logging
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, jsonify
from prometheus_client import CollectorRegistry, generate_latest
from waitress.server import create_server
from waitress.wasyncore import close_all
from werkzeug.exceptions import HTTPException

from shared.errors import (
    CareloopError,
    Conflict,
    FhirError,
    InvalidInput,
    Misconfigured,
    NotAnalysed,
    NotYet,
    Unavailable,
    Withdrawn,
)
from shared.json import Json
from shared.web.logs import trace
from shared.web.openapi import document

FHIR_JSON = "application/fhir+json"
METRICS_TEXT = "text/plain; version=0.0.4; charset=utf-8"
log = logging.getLogger(__name__)

# HTTP status -> OperationOutcome.issue.code (R4 issue-type)
ISSUE_CODES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    409: "conflict",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "business-rule",
    429: "throttled",
    503: "transient",
}

RETRY_AFTER_SEC = 10
# Class -> status, and a text where its own is unsuitable; the first fitting one counts.
ANSWERS: tuple[tuple[type[CareloopError], int, str], ...] = (
    (InvalidInput, 400, ""),
    (NotAnalysed, 422, ""),
    (Withdrawn, 404, "The input is not there: unknown, deleted, superseded or entered in error."),
    (NotYet, 503, "The input has not arrived completely yet."),
    (Conflict, 409, "Somebody else wrote at the same time; ask again."),
    (Unavailable, 503, ""),
)


@dataclass(frozen=True)
class Probes:
    """The answers to the probes.

    Attributes:
        unready: what keeps the service from working, in words; empty when it is ready.
        registry: its metrics.
    """

    unready: Callable[[], Sequence[str]]
    registry: CollectorRegistry


def outcome(status: int, diagnostics: str, retry_after_sec: int | None = None) -> Response:
    """Build an OperationOutcome.

    Args:
        diagnostics: a text without patient data.
    """
    issue = {
        "severity": "error",
        "code": ISSUE_CODES.get(status, "exception"),
        "diagnostics": diagnostics,
    }
    response = jsonify({"resourceType": "OperationOutcome", "issue": [issue]})
    response.status_code, response.content_type = status, FHIR_JSON
    if retry_after_sec is not None:
        response.headers["Retry-After"] = str(retry_after_sec)
    return response


def create_app(
    name: str, probes: Probes, *, title: str, max_body_bytes: int, paths: Json | None = None
) -> Flask:
    """Make the application common to all services.

    Args:
        name: the service.
        title: for the OpenAPI document.
        max_body_bytes: larger bodies get 413.
        paths: OpenAPI path items of the routes that the service adds.
    """
    app = Flask(f"careloop.{name}", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    # FHIR JSON is easiest to read in its own order.
    app.json.sort_keys = False  # type: ignore[attr-defined]
    described = document(name, title, paths or {})

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify({"status": "alive", "service": name})

    @app.get("/readyz")
    def readyz() -> Response:
        waiting = list(probes.unready())
        response = jsonify(
            {"status": "waiting" if waiting else "ready", "service": name, "waiting_for": waiting}
        )
        response.status_code = 503 if waiting else 200
        return response

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(probes.registry), content_type=METRICS_TEXT)

    @app.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(described)

    handle_errors(app)
    return app


def handle_errors(app: Flask) -> None:
    """Turn every exception into an OperationOutcome, in this one place."""

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        answer = outcome(
            error.code or 500,
            error.name if error.code != 413 else "The body is larger than this service takes.",
        )
        allowed = getattr(error, "valid_methods", None)
        if allowed:
            answer.headers["Allow"] = ", ".join(allowed)
        return answer

    @app.errorhandler(CareloopError)
    def classed(error: CareloopError) -> Response:
        return answer_of(error)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.error("unexpected %s", type(error).__name__, extra={"traceback": trace(error)})
        return outcome(
            500, f"Unexpected error ({type(error).__name__}); the log of the service tells where."
        )


def answer_of(error: CareloopError) -> Response:
    """Answer an error by its class; a class without a row is a fault of ours."""
    if isinstance(error, FhirError) and error.status in (401, 403):
        return outcome(error.status, "The EHR does not let this caller read the input.")
    for kind, status, text in ANSWERS:
        if isinstance(error, kind):
            asked = getattr(error, "retry_after_sec", None) or RETRY_AFTER_SEC
            return outcome(status, text or str(error), int(asked) if status == 503 else None)
    return outcome(500, f"{type(error).__name__}: {error}")


def _believed(proxies: int) -> Json:
    if not proxies:
        return {}
    return {
        "trusted_proxy": "*",
        "trusted_proxy_count": proxies,
        "trusted_proxy_headers": {"x-forwarded-for"},
    }


@dataclass(frozen=True)
class Serving:
    """A server on a daemon thread."""

    port: int
    close: Callable[[], None]


def serve(app: Flask, host: str, port: int, threads: int = 8, *, proxies: int = 0) -> Serving:
    """Serve on a daemon thread; port 0 takes a free one.

    Args:
        proxies: how many stand before it and add to `X-Forwarded-For`; that header alone is
            believed, and none where there is no proxy.

    Raises:
        Misconfigured: the port is taken, or the address is not ours.
    """
    try:
        listening = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Misconfigured(
            f"CARELOOP_HTTP_HOST, CARELOOP_HTTP_PORT: can't listen on {host}:{port} ({reason}); "
            "take another, or stop what does"
        ) from None

    # waitress reads the complete body before the application can refuse it.
    read_at_most = 10 * int(app.config["MAX_CONTENT_LENGTH"])
    server: Any = create_server(
        app,
        sockets=[listening],
        threads=threads,
        ident="careloop",
        max_request_body_size=read_at_most,
        **_believed(proxies),
    )
    thread = threading.Thread(target=server.run, name="http", daemon=True)
    thread.start()

    def close() -> None:
        # Answers under way have five seconds.
        server.task_dispatcher.shutdown()
        # On waitress's own thread: its sockets must not be closed from another one.
        server.trigger.pull_trigger(lambda: close_all(server._map))
        thread.join(5.0)

    return Serving(int(listening.getsockname()[1]), close)
