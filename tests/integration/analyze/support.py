"""What the tests of analyze share."""

from typing import Any

from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from shared.answers import Answer
from shared.ehr.client import Ehr
from shared.fhir.summary import event_of
from shared.json import Json
from shared.runtime.line import Case, Line
from shared.web.analyze import analyze_route
from shared.web.app import Probes, create_app
from shared.web.openapi import ANALYZE

KINDS = (
    "Patient",
    "DocumentReference",
    "Task",
    "DiagnosticReport",
    "Observation",
    "Device",
    "Provenance",
    "AuditEvent",
)


def door(line: Line) -> FlaskClient:
    app = create_app(
        "toy",
        Probes(list, CollectorRegistry()),
        title="Word count",
        max_body_bytes=10_000,
        paths=ANALYZE,
    )
    app.register_blueprint(
        analyze_route(lambda: (line, lambda inputs: line.service.analyze([inputs], line.model)[0]))
    )
    return app.test_client()


def analyze(line: Line, focus: str, status: int = 200) -> Json:
    answer = door(line).post("/analyze", json={"focus": focus})
    assert (answer.status_code, answer.content_type) == (status, "application/fhir+json"), (
        answer.text
    )
    body: Json = answer.json
    return body


def why(body: Json) -> str:
    return str(body["issue"][0]["diagnostics"])


def versions(ehr: Ehr) -> list[tuple[str, str]]:
    return sorted(
        (f"{kind}/{r['id']}", r["meta"]["versionId"])
        for kind in KINDS
        for r in ehr.search(kind, {})
    )


def run(line: Line, focus: str) -> str:
    resource = line.ehr.read(focus)
    assert resource is not None
    taken = line.take(event_of(resource, "update"), only_deletes=False)
    if not isinstance(taken, Case):
        return taken
    return line.put(taken, line.service.analyze([taken.inputs], line.model)[0])


def standing(ehr: Ehr, focus: str) -> Json:
    """What the answer left in the record, without what differs from one writing to the next."""
    head = ehr.head(Answer("toy", focus))
    assert head is not None
    found = {key: ehr.read(reference) for key, reference in head.outputs.items()}
    return {
        "outcome": head.outcome,
        "basis": head.basis,
        **{key: plain(resource) for key, resource in found.items()},
    }


def plain(node: Any) -> Any:
    """Without ids, versions and times."""
    if isinstance(node, list):
        return [plain(item) for item in node]
    if isinstance(node, dict):
        return {
            k: plain(v)
            for k, v in node.items()
            if k
            not in (
                "id",
                "versionId",
                "lastUpdated",
                "reference",
                "issued",
                "value",
                "text",
            )
        }
    return node


BAD_FOCI = [
    b"1",
    b'"../metadata"',
    b'"Patient/1/../2"',
    b'"Patient/."',
    b'"Patient/.."',
    b'"Patient/%2e%2e"',
    b'"Patient/1\\n"',
    b'"Patient/\\ud800"',
]


BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"{}",
    *(b'{"focus": ' + f + b"}" for f in BAD_FOCI),
    b'{"focus": "Patient/1", "x": 1}',
    b"\xff",
]
