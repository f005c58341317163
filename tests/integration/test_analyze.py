"""`POST /analyze` on EHRs of both habits and on a real one: shows, writes nothing, reads with its
caller's rights, and is right about what it shows.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from shared import instants
from shared.answers import Answer
from shared.ehr.client import Ehr, open_ehr
from shared.fhir import codes, heads, lifecycle
from shared.fhir.summary import event_of
from shared.json import Json
from shared.runtime.line import Case, Line, at_ehr
from shared.settings import Settings
from shared.web.analyze import analyze_route
from shared.web.app import Probes, create_app
from shared.web.openapi import ANALYZE
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.peers import sekmet
from tests.toy import TOY, Model, note

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


@pytest.fixture(scope="module", params=["fake-sekmet", "fake-hapi", "sekmet"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sekmet":
        with sekmet(tmp_path_factory.mktemp("sekmet")) as peer:
            yield peer.base
    else:
        with FakeEhr(SEKMET if request.param == "fake-sekmet" else HAPI) as fake:
            yield fake.base


@pytest.fixture
def ehr(base: str) -> Iterator[Ehr]:
    with open_ehr(Settings(fhir_url=base)) as client:
        yield client


@pytest.fixture
def line(ehr: Ehr, tmp_path: Path) -> Line:
    return Line(TOY, ehr, Model(), Settings(fhir_url=ehr.base, state_dir=tmp_path), at_ehr(ehr))


@pytest.fixture
def patient(ehr: Ehr) -> str:
    return ehr.create({"resourceType": "Patient", "gender": "female"}).reference


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
                "effectiveDateTime",
                "value",
                "text",
            )
        }
    return node


def test_nothing_is_written(line: Line, ehr: Ehr, patient: str) -> None:
    focus = ehr.create(note(patient, "one two three")).reference
    before = versions(ehr)
    shown = analyze(line, focus)
    assert versions(ehr) == before
    assert (shown["resourceType"], shown["type"]) == ("Bundle", "transaction")
    [report] = [
        e["resource"] for e in shown["entry"] if e["resource"]["resourceType"] == "DiagnosticReport"
    ]
    assert (report["conclusion"], report["status"]) == ("3 words", "preliminary")


def test_posted_as_it_is_it_does_what_the_event_does_and_the_event_then_changes_nothing(
    line: Line, ehr: Ehr, patient: str
) -> None:
    shown, told = (
        ehr.create(note(patient, "one two three four five six")).reference for _ in range(2)
    )
    ehr.transact(analyze(line, shown))
    assert run(line, told) == "result"
    assert standing(ehr, shown) == standing(ehr, told)
    before = versions(ehr)
    assert run(line, shown) == "unchanged"
    assert versions(ehr) == before


def test_over_a_standing_draft_it_shows_an_update_and_never_a_second_result(
    line: Line, ehr: Ehr, patient: str
) -> None:
    focus = ehr.create(note(patient, "one two")).reference
    assert run(line, focus) == "result"
    reports = sum(1 for _ in ehr.search("DiagnosticReport", {}))
    resource = ehr.read(focus)
    assert resource is not None
    ehr.update(
        resource | {"content": note(patient, "one two three")["content"]},
        resource["meta"]["versionId"],
    )
    shown = analyze(line, focus)
    ehr.transact(shown)
    assert sum(1 for _ in ehr.search("DiagnosticReport", {})) == reports
    head = ehr.head(Answer("toy", focus))
    assert head is not None
    assert (ehr.read(head.outputs["report"]) or {})["conclusion"] == "3 words"
    assert run(line, focus) == "unchanged"


def test_after_a_decision_it_opens_the_next_revision(line: Line, ehr: Ehr, patient: str) -> None:
    focus = ehr.create(note(patient, "one two")).reference
    run(line, focus)
    head = ehr.head(Answer("toy", focus))
    assert head is not None
    ehr.update(
        heads.decided(head, "rejected", owner=None, reason=None, now=instants.now()), head.version
    )
    ehr.transact(analyze(line, focus))
    newest = ehr.head(Answer("toy", focus))
    assert newest is not None
    assert (newest.revision, newest.outcome) == (2, "requested")


def test_a_result_that_was_signed_elsewhere_is_left_alone(
    line: Line, ehr: Ehr, patient: str
) -> None:
    focus = ehr.create(note(patient, "one two")).reference
    run(line, focus)
    head = ehr.head(Answer("toy", focus))
    assert head is not None
    report = ehr.read(head.outputs["report"])
    assert report is not None
    ehr.update(lifecycle.at_stage(report, "signed"), report["meta"]["versionId"])
    assert "decided" in why(analyze(line, focus, 422))


@pytest.mark.parametrize(
    ("text", "reason"), [("  ", "The note is empty."), ("broken", "The note can't be read.")]
)
def test_what_is_not_analysed_says_why(
    line: Line, ehr: Ehr, patient: str, text: str, reason: str
) -> None:
    assert why(analyze(line, ehr.create(note(patient, text)).reference, 422)) == reason


def test_what_has_not_arrived_yet_asks_for_patience(line: Line, ehr: Ehr, patient: str) -> None:
    answer = door(line).post(
        "/analyze", json={"focus": ehr.create(note(patient, "not yet")).reference}
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")


def test_what_the_service_does_not_accept_says_so(line: Line, patient: str) -> None:
    assert "does not accept" in why(analyze(line, patient, 422))


def test_what_is_not_there_is_not_found(line: Line) -> None:
    assert analyze(line, "DocumentReference/nothing-here", 404)["issue"][0]["code"] == "not-found"


def test_a_consent_that_denies_is_obeyed(line: Line, ehr: Ehr, patient: str) -> None:
    focus = ehr.create(note(patient, "one two")).reference
    consent = {
        "resourceType": "Consent",
        "status": "active",
        "scope": codes.concept(
            "http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"
        ),
        "category": [
            codes.concept("http://terminology.hl7.org/CodeSystem/consentcategorycodes", "npp")
        ],
        "policyRule": {"text": "opt-in"},
        "patient": codes.reference(patient),
        "provision": {"provision": [{"type": "deny"}]},
    }
    ehr.create(consent)
    assert "consent" in why(analyze(line, focus, 422))


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


@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_bad_body_is_refused(line: Line, body: bytes) -> None:
    answer = door(line).post("/analyze", data=body, content_type="application/json")
    assert (answer.status_code, answer.content_type) == (400, "application/fhir+json")


def test_a_body_of_another_type_is_refused(line: Line) -> None:
    assert door(line).post("/analyze", data={"focus": "Patient/1"}).status_code == 415


@budget(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.binary(max_size=200)
    | st.dictionaries(st.just("focus") | st.text(), st.text() | st.none() | st.lists(st.integers()))
    .map(str)
    .map(str.encode)
)
def test_no_body_makes_the_service_fail(line: Line, body: bytes) -> None:
    assert door(line).post("/analyze", data=body, content_type="application/json").status_code in (
        400,
        404,
        413,
        422,
    )


# --- whose rights


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[FakeEhr, Line]]:
    """An EHR whose requests are seen, and a service there with credentials of its own."""
    with FakeEhr() as fake:
        own = Settings(fhir_url=fake.base, state_dir=tmp_path)
        with open_ehr(own) as client:
            yield (
                fake,
                Line(
                    TOY,
                    client,
                    Model(),
                    own.model_copy(update={"fhir_client_id": "careloop"}),
                    at_ehr(client),
                ),
            )


def test_with_smart_a_caller_without_a_token_is_turned_away_unheard(
    watched: tuple[FakeEhr, Line],
) -> None:
    fake, line = watched
    answer = door(line).post("/analyze", json={"focus": "DocumentReference/1"})
    assert (answer.status_code, answer.json["issue"][0]["code"]) == (401, "login")  # type: ignore[index]
    assert fake.requests == []


def test_every_request_carries_the_callers_token_and_no_other(
    watched: tuple[FakeEhr, Line],
) -> None:
    fake, line = watched
    patient = line.ehr.create({"resourceType": "Patient"}).reference
    focus = line.ehr.create(note(patient, "one two")).reference
    fake.requests.clear()
    answer = door(line).post(
        "/analyze", json={"focus": focus}, headers={"Authorization": "Bearer of-the-caller"}
    )
    assert answer.status_code == 200, answer.text
    assert fake.requests
    assert {headers.get("authorization") for _, _, headers in fake.requests} == {
        "Bearer of-the-caller"
    }
    assert {method for method, _, _ in fake.requests} == {"GET"}


@pytest.mark.parametrize("status", [401, 403])
def test_what_the_ehr_refuses_the_caller_is_refused(
    watched: tuple[FakeEhr, Line], status: int
) -> None:
    fake, line = watched
    fake.faults.fail(1, status, path="DocumentReference/1")
    answer = door(line).post(
        "/analyze",
        json={"focus": "DocumentReference/1"},
        headers={"Authorization": "Bearer of-the-caller"},
    )
    assert answer.status_code == status


def test_an_ehr_that_is_down_is_a_503(tmp_path: Path) -> None:
    with FakeEhr() as fake:
        gone = Settings(fhir_url=fake.base, state_dir=tmp_path, fhir_timeout_sec=0.5)
    with open_ehr(gone) as client:
        line = Line(TOY, client, Model(), gone, at_ehr(client))
        assert analyze(line, "DocumentReference/1", 503)["issue"][0]["code"] == "transient"
