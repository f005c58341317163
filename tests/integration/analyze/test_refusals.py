"""Analyze: refusals."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.fhir import codes
from shared.runtime.line import Line, at_ehr
from shared.settings import Settings
from tests.fakes import FakeEhr
from tests.integration.analyze.support import BAD_BODIES, analyze, door, why
from tests.toy import TOY, Model, note


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


@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_bad_body_is_refused(line: Line, body: bytes) -> None:
    answer = door(line).post("/analyze", data=body, content_type="application/json")
    assert (answer.status_code, answer.content_type) == (400, "application/fhir+json")


def test_a_body_of_another_type_is_refused(line: Line) -> None:
    assert door(line).post("/analyze", data={"focus": "Patient/1"}).status_code == 415


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
