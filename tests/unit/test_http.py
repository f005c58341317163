"""The HTTP that all services share: probes, errors as OperationOutcomes, one OpenAPI document of
the routes that there are.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from flask import Blueprint, Flask
from openapi_spec_validator import validate
from prometheus_client import CollectorRegistry

from services.clinic.ports import free_port
from services.intake.notifications.webhook import paths as intake_paths
from services.intake.notifications.webhook import webhook
from services.intake.process import _swept
from services.intake.watched import installed
from services.review.app import create_review_app
from shared import errors
from shared.ehr.opening import open_ehr
from shared.settings import Settings
from shared.web.analyze import analyze_route
from shared.web.app import Probes, create_app, serve
from shared.web.openapi import ANALYZE

CANARY = "Zebedee Quux"


def app(waiting: list[str] | None = None, paths: Any = None) -> Flask:
    return create_app(
        "toy",
        Probes(lambda: waiting or [], CollectorRegistry()),
        title="Word count",
        max_body_bytes=1000,
        paths=paths,
    )


def broken(error: Exception) -> Flask:
    """An app with a route that raises."""
    blueprint = Blueprint("broken", __name__)

    @blueprint.post("/broken")
    def route() -> None:
        raise error

    made = app()
    made.register_blueprint(blueprint)
    return made


def test_the_probes_answer() -> None:
    client = app().test_client()
    assert client.get("/healthz").json == {"status": "alive", "service": "toy"}
    assert client.get("/readyz").json == {"status": "ready", "service": "toy", "waiting_for": []}
    assert client.get("/metrics").content_type.startswith("text/plain")


def test_ready_says_what_it_waits_for() -> None:
    answer = app(["no topic careloop.events: run `careloop topics`"]).test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["waiting_for"] == ["no topic careloop.events: run `careloop topics`"]


def assert_outcome(answer: Any, status: int, code: str) -> str:
    assert answer.status_code == status
    assert answer.content_type == "application/fhir+json"
    assert answer.json["resourceType"] == "OperationOutcome"
    [issue] = answer.json["issue"]
    assert (issue["severity"], issue["code"]) == ("error", code)
    return str(issue["diagnostics"])


def test_errors_of_http_are_outcomes() -> None:
    client = app().test_client()
    assert_outcome(client.get(f"/nothing/{CANARY}"), 404, "not-found")
    wrong = client.post("/healthz")
    assert_outcome(wrong, 405, "not-supported")
    assert "GET" in wrong.headers["Allow"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.InvalidInput("line 3"), 400, "invalid"),
        (errors.NotAnalysed("The note is empty."), 422, "business-rule"),
        (errors.ConsentDenied("Consent/1", "Patient/1"), 422, "business-rule"),
        (errors.Withdrawn("DocumentReference/1"), 404, "not-found"),
        (errors.NotYet("Binary/1"), 503, "transient"),
        (errors.Conflict("409"), 409, "conflict"),
        (errors.Unavailable("ehr", "ConnectError"), 503, "transient"),
        (errors.FhirError(401, "GET Patient/1"), 401, "login"),
        (errors.FhirError(403, "GET Patient/1"), 403, "forbidden"),
        (errors.FhirError(500, "GET Patient/1"), 500, "exception"),
        (errors.InvalidResource("Task.status"), 500, "exception"),
        (ValueError(CANARY), 500, "exception"),
        (MemoryError(CANARY), 500, "exception"),
    ],
)
def test_every_class_of_error_has_its_answer_and_quotes_nobody(
    error: Exception, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = broken(error).test_client().post("/broken")
    assert_outcome(answer, status, code)
    assert CANARY not in answer.text
    assert CANARY not in caplog.text
    assert (status == 503) == ("Retry-After" in answer.headers)


def test_a_wait_that_the_ehr_asked_for_is_passed_on() -> None:
    answer = (
        broken(errors.Unavailable("ehr", "429", retry_after_sec=33.0)).test_client().post("/broken")
    )
    assert answer.headers["Retry-After"] == "33"


@pytest.fixture
def served() -> Iterator[str]:
    made = app(paths=ANALYZE)
    made.register_blueprint(analyze_route(lambda: None))
    serving = serve(made, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{serving.port}"
    serving.close()


def test_a_body_beyond_the_limit_is_refused_whether_its_length_is_announced_or_not(
    served: str,
) -> None:
    announced = httpx.post(
        f"{served}/analyze",
        content=b"x" * 2000,
        headers={"Content-Type": "application/json"},
        timeout=60,
    )
    chunked = httpx.post(
        f"{served}/analyze",
        content=iter([b"x" * 1000] * 2),
        headers={"Content-Type": "application/json"},
        timeout=60,
    )
    for answer in (announced, chunked):
        assert answer.status_code == 413
        assert answer.json()["issue"][0]["code"] == "too-long"
    assert httpx.post(f"{served}/analyze", content=b"x" * 100_000, timeout=60).status_code == 413


def test_a_port_that_is_taken_is_named_with_its_setting(served: str) -> None:
    port = int(served.rsplit(":", 1)[1])
    with pytest.raises(errors.Misconfigured, match=f"CARELOOP_HTTP_PORT.*:{port} "):
        serve(app(), "127.0.0.1", port)


def test_an_address_that_is_not_ours_is_named_with_its_setting() -> None:
    with pytest.raises(errors.Misconfigured, match="CARELOOP_HTTP_HOST"):
        serve(app(), "no.such.host.invalid", 0)


def test_a_name_with_several_addresses_is_served() -> None:
    serving = serve(app(), "localhost", free_port())
    assert httpx.get(f"http://localhost:{serving.port}/healthz", timeout=60).status_code == 200
    serving.close()


def test_while_it_loads_analyze_asks_for_patience(served: str) -> None:
    answer = httpx.post(f"{served}/analyze", json={"focus": "Patient/1"}, timeout=60)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")


def documented(described: Any) -> set[tuple[str, str]]:
    return {(path, method.upper()) for path, item in described["paths"].items() for method in item}


def routes(made: Flask) -> set[tuple[str, str]]:
    found = (
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), rule.methods or set())
        for rule in made.url_map.iter_rules()
    )
    return {(path, method) for path, methods in found for method in methods - {"HEAD", "OPTIONS"}}


def analyser() -> Flask:
    made = app(paths=ANALYZE)
    made.register_blueprint(analyze_route(lambda: None))
    return made


def test_an_analysers_document_is_valid_and_lists_its_routes() -> None:
    described = analyser().test_client().get("/openapi.json").json
    assert described is not None
    validate(described)
    assert documented(described) == routes(analyser())


def test_reviews_document_is_valid_and_lists_its_probes(tmp_path: Path) -> None:
    made = create_review_app(Settings(state_dir=tmp_path), open_ehr(Settings()))
    described = made.test_client().get("/openapi.json").json
    assert described is not None
    validate(described)
    assert documented(described) <= routes(made)
    assert {"/healthz", "/readyz", "/metrics", "/openapi.json"} <= {
        path for path, _ in documented(described)
    }


def test_intakes_document_is_valid_and_lists_its_routes() -> None:
    made = app(paths=intake_paths(installed()))
    made.register_blueprint(webhook(cast(Any, None), "secret"))
    made.register_blueprint(_swept(cast(Any, None)))
    described = made.test_client().get("/openapi.json").json
    assert described is not None
    validate(described)
    assert documented(described) == {
        (path.replace("{resource_type}/{logical_id}", "{type}/{id}"), method)
        for path, method in routes(made)
    }
    named = {
        name
        for item in described["paths"].values()
        for operation in item.values()
        for need in operation.get("security", [])
        for name in need
    }
    assert named <= set(described["components"]["securitySchemes"])
