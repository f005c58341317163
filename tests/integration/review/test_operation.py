"""Review: operation."""

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from services.clinic.ports import free_port
from services.review.app import create_review_app
from services.review.process import review_scopes, run_review
from services.review.worklist.index import INDEX
from shared.ehr.opening import open_ehr
from shared.errors import PoisonRecord
from shared.runtime import dead_letters
from shared.settings import load_settings
from shared.stream.base import EVENTS_TOPIC, Message
from shared.stream.open import open_log
from tests.browser.clinic import (
    Clinic,
    a_film,
    open_clinic,
)
from tests.fakes import HAPI, FakeEhr
from tests.integration.review.support import Visitor, _patiently


def test_the_process_serves_until_it_is_stopped(fhir_url: str, tmp_path: Path) -> None:
    port, stop = free_port(), threading.Event()
    settings = load_settings(fhir_url=fhir_url, state_dir=tmp_path, http_port=port)
    process = threading.Thread(target=run_review, args=(settings, stop))
    process.start()
    try:
        _patiently(f"http://127.0.0.1:{port}/readyz", 200)
        answers = {
            path: _patiently(f"http://127.0.0.1:{port}{path}")
            for path in ("/healthz", "/readyz", "/metrics", "/login")
        }
        told = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
    finally:
        stop.set()
        process.join(60)
    assert set(answers.values()) == {200} and not process.is_alive()
    assert 'careloop_ehr_requests_total{method="GET",service="review"}' in told


def test_an_undecodable_record_is_on_the_page(
    visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    event_log = open_log(load_settings(state_dir=tmp_path))
    event_log.create_topics(2, ["imaging", "genomics", "notes", "treatment"])
    event_log.sink().send(EVENTS_TOPIC, [Message(b"Patient/1", b"{canary")])
    [record] = event_log.scan(EVENTS_TOPIC)
    dead_letters.bury(event_log.sink(), "notes", record, PoisonRecord("not JSON at position 1"), 1)
    visitor = visit()
    visitor.log_in()
    page = visitor.get("/")
    assert (
        "PoisonRecord" in page
        and "not JSON at position 1" in page
        and "canary" not in page
        and "Patient/1" not in page
    )


def test_the_ehr_being_away_is_told(tmp_path: Path) -> None:
    with FakeEhr(HAPI) as fake:
        ehr = open_ehr(load_settings(fhir_url=fake.base, fhir_timeout_sec=1))
        settings = load_settings(fhir_url=fake.base, state_dir=tmp_path, **open_clinic(ehr).login)
        visitor = Visitor(create_review_app(settings, ehr).test_client())
        visitor.log_in()
    assert "does not answer" in visitor.get("/", 503)
    stranger = Visitor(create_review_app(settings, ehr).test_client())
    assert stranger.log_in().status_code == 503
    assert (
        visitor.client.get("/healthz").status_code == 200
        and visitor.client.get("/readyz").status_code == 503
    )
    [waiting] = visitor.client.get("/readyz").get_json()["waiting_for"]
    cause = "the EHR (ehr is not available: NewConnectionError at http://127.0.0.1:"
    assert waiting.startswith(cause)


def test_a_folder_that_can_t_be_written_is_told_as_such(
    visit: Callable[..., Visitor], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / INDEX).mkdir()
    visitor = visit()
    visitor.log_in()
    page = visitor.get("/", 503)
    assert "not set up as they must be" in page and "rule of the record" not in page
    assert "CARELOOP_STATE_DIR" in caplog.text and str(tmp_path) not in page


def test_no_patient_data_is_logged(
    doctor: Visitor, clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    task = a_film(clinic)
    doctor.get("/?patient=Mustermann")
    doctor.decide(task, "reject", reason="Canary reason")
    ours = "\n".join(
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(("services", "shared", "careloop"))
    )
    assert task in ours and not any(
        word in ours for word in ("Mustermann", "Canary", "Opacity", "1940-03-02")
    )


def test_it_asks_for_no_more_than_it_needs() -> None:
    scopes = dict(scope.removeprefix("system/").split(".") for scope in review_scopes().split())
    assert (
        scopes["DiagnosticReport"] == "rus"
        and scopes["Practitioner"] == scopes["Medication"] == "rs"
        and scopes["Provenance"] == "crus"
        and scopes["AuditEvent"] == "c"
    )


def test_nothing_of_the_pages_is_fetched_from_elsewhere() -> None:
    folder = Path(__file__).parents[3] / "services" / "review"
    found = subprocess.run(
        [
            "grep",
            "-rnE",
            r"(src|href|url\()=?[\"'(]?https?://",
            folder / "templates",
            folder / "static",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""


def test_it_waits_for_an_ehr_that_is_away(tmp_path: Path) -> None:
    port, away, stop = free_port(), free_port(), threading.Event()
    settings = load_settings(
        fhir_url=f"http://127.0.0.1:{away}/fhir", state_dir=tmp_path, http_port=port
    )
    process = threading.Thread(target=run_review, args=(settings, stop))
    process.start()
    try:
        assert _patiently(f"http://127.0.0.1:{port}/readyz") == 503
        waits = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).json()["waiting_for"]
        assert len(waits) == 1 and ("the EHR" in waits[0] or "ehr is not available" in waits[0])
    finally:
        stop.set()
        process.join(60)
    assert not process.is_alive()
