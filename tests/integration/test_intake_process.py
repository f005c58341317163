"""The intake process as a whole: its probes answer from the first moment, and it ends when it is
told to.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.clinic.ports import free_port
from services.intake.notifications.registered import Registered
from services.intake.notifications.subscriptions import Keeper
from services.intake.process import run_intake
from services.intake.state import State
from shared.ehr.opening import open_ehr
from shared.errors import Misconfigured
from shared.settings import Settings
from shared.stream.base import EVENTS_TOPIC
from shared.stream.open import open_log
from tests.fakes import HAPI, FakeEhr
from tests.toy import note


def settings_for(folder: Path, base: str, **more: Any) -> Settings:
    return Settings(
        fhir_url=base,
        state_dir=folder,
        http_port=free_port(),
        intake_since="1970-01-01T00:00:00Z",
        intake_sweep_sec=0.2,
        **more,
    )


@contextmanager
def running(settings: Settings) -> Iterator[str]:
    """The process on a thread; leaving it must end it."""
    stop = threading.Event()
    thread = threading.Thread(target=run_intake, args=(settings, stop))
    thread.start()
    base = f"http://127.0.0.1:{settings.http_port}"
    try:
        eventually(lambda: get(f"{base}/healthz").status_code == 200)
        yield base
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def eventually(condition: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    assert condition()


def waiting(base: str) -> str:
    return " ".join(get(f"{base}/readyz").json()["waiting_for"])


def get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=60)


def test_probes_answer_while_the_event_log_is_waited_for(tmp_path: Path) -> None:
    with FakeEhr(HAPI) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
        reference = ehr.create(
            note(ehr.create({"resourceType": "Patient"}).reference, "one")
        ).reference
        settings = settings_for(tmp_path, fake.base)
        with running(settings) as base:
            eventually(lambda: "careloop topics" in waiting(base))
            log = open_log(settings)
            log.create_topics(2, [])
            eventually(lambda: get(f"{base}/readyz").status_code == 200)
            assert [
                r.value is not None and reference.encode() in r.value
                for r in log.scan(EVENTS_TOPIC)
            ] == [True]
        assert State(tmp_path / "intake.sqlite").swept()


def test_an_ehr_that_refuses_a_type_or_is_away_makes_it_unready_and_stops_nothing(
    tmp_path: Path,
) -> None:
    settings = settings_for(tmp_path, f"http://127.0.0.1:{free_port()}/fhir", fhir_timeout_sec=0.5)
    with running(settings) as base:
        eventually(lambda: "ehr is not available" in waiting(base))
    with FakeEhr(HAPI) as fake:
        open_log(settings).create_topics(2, [])
        with running(settings_for(tmp_path, fake.base)) as base:
            eventually(lambda: get(f"{base}/readyz").status_code == 200)
            fake.faults.fail(1000, 403, method="GET", path="ImagingStudy/_history")
            eventually(lambda: "ImagingStudy: EHR answered 403" in waiting(base))
            assert 'careloop_intake_refused{type="ImagingStudy"} 1.0' in get(f"{base}/metrics").text


def test_a_url_without_a_fhir_api_is_told_at_the_start(tmp_path: Path) -> None:
    with FakeEhr(HAPI) as fake, pytest.raises(Misconfigured, match="CARELOOP_FHIR_URL"):
        run_intake(settings_for(tmp_path, f"{fake.base}/nothing/here"), threading.Event())


def test_a_refused_subscription_stops_no_other(tmp_path: Path) -> None:
    with FakeEhr(HAPI) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
        settings = settings_for(
            tmp_path,
            fake.base,
            intake_webhook_url="http://127.0.0.1:9/notify",
            intake_webhook_secret=SecretStr("s"),
        )
        fake.faults.fail(1, 403, method="POST", path="Subscription")
        Keeper(
            ehr, settings, threading.Event(), Registered(State(tmp_path / "intake.sqlite"))
        ).look_after()
        assert {s["criteria"] for s in ehr.search("Subscription", {})} >= {
            "Consent?",
            "DocumentReference?",
            "Observation?",
        }
