"""Real processes: they come up in any order, say what they wait for, end in order, and quote
nobody.
"""

import base64
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from services.clinic.children import service_child
from services.clinic.ports import free_port, is_free
from shared.answers import Answer
from shared.ehr.opening import open_ehr
from shared.events import encode
from shared.fhir import codes
from shared.fhir.summary import event_of
from shared.runtime.loop import group_of
from shared.settings import Settings
from shared.stream.base import EVENTS_TOPIC, Message
from shared.stream.open import open_log
from tests.fakes import FakeEhr
from tests.peers import Sekmet

VCF = Path(__file__).parents[2] / "examples" / "patient" / "genome.vcf"
CANARY = "Zebedee-Quux"
PATIENCE_SEC = 60.0
END_SEC = 40.0  # for a process to end; far more than its SHUTDOWN_SEC of 1 or 5


def environment(tmp_path: Path, fhir_url: str, port: int) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CARELOOP_")}
    own = {
        "STATE_DIR": tmp_path / "state",
        "FHIR_URL": fhir_url,
        "HTTP_PORT": port,
        "FHIR_TIMEOUT_SEC": 20,
        "PLAN_QUIET_SEC": 0,
        "SHUTDOWN_SEC": 5,
    }
    return inherited | {f"CARELOOP_{name}": str(value) for name, value in own.items()}


def until(condition: Callable[[], Any], seconds: float = PATIENCE_SEC) -> Any:
    """What the condition gives, once it is true; the test fails when it never is."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)
    return found


def port_of_two() -> int:
    """The first of two free ports side by side.

    Not drawn from those that Linux gives away: there the second is as likely a client's.
    """
    return next(
        p for p in random.sample(range(20_000, 30_000, 2), 5_000) if is_free(p) and is_free(p + 1)
    )


def ready(port: int) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).json()
    except httpx.TransportError:
        return None
    return found


def waits_for(port: int, words: str) -> bool:
    return words in " ".join((ready(port) or {}).get("waiting_for", []))


@pytest.fixture
def ehr() -> Iterator[FakeEhr]:
    with FakeEhr() as fake:
        yield fake


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts `careloop ARGUMENTS`; its stderr goes to `tmp_path/log`."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(own: Mapping[str, str], *arguments: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "log").open("ab") as sink:
            argv = [sys.executable, "-m", "services.cli", *arguments]
            processes.append(subprocess.Popen(argv, env=dict(own), stdout=sink, stderr=sink))
        return processes[-1]

    yield start
    for process in processes:
        for child in (
            psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        ):
            child.kill()
        process.kill()
        process.wait()


def test_a_service_says_what_it_waits_for_works_when_it_comes_and_ends_in_order(
    tmp_path: Path, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    peer, port = Sekmet(tmp_path / "sekmet"), free_port()
    own = environment(tmp_path, peer.base, port)
    process = started(own, "run", "genomics")
    until(lambda: waits_for(port, "ehr is not available"))
    peer.start()
    try:
        until(lambda: waits_for(port, "careloop topics"))
        assert started(own, "topics").wait(PATIENCE_SEC) == 0
        until(lambda: (ready(port) or {}).get("status") == "ready")
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_SEC) == 0
    finally:
        peer.stop()


def test_a_request_that_hangs_does_not_hold_up_the_end(
    tmp_path: Path, ehr: FakeEhr, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    port = free_port()
    own = environment(tmp_path, ehr.base, port) | {
        "CARELOOP_FHIR_TIMEOUT_SEC": "120",
        "CARELOOP_SHUTDOWN_SEC": "1",
    }
    settings = Settings(fhir_url=ehr.base, state_dir=tmp_path / "state")
    log = open_log(settings)
    log.create_topics(settings.partitions, ["genomics"])
    with open_ehr(settings) as client:
        resource = client.read(client.create(document("Patient/1", VCF.read_bytes())).reference)
    assert resource is not None
    process = started(own, "run", "genomics")
    until(lambda: (ready(port) or {}).get("status") == "ready")
    ehr.faults.latency_sec = 60.0
    sink = log.sink()
    sink.send(EVENTS_TOPIC, [Message(*encode(event_of(resource, "create"), ehr.base))])
    sink.close()
    until(
        lambda: (
            'careloop_in_flight{service="genomics"} 1.0'
            in httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SEC).text
        )
    )
    process.send_signal(signal.SIGTERM)
    assert process.wait(END_SEC) == 0


def test_what_must_be_mended_ends_the_process_with_status_2_and_a_line_that_names_it(
    tmp_path: Path, ehr: FakeEhr, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    process = started(
        environment(tmp_path, f"{ehr.base}/nothing/here", free_port()), "run", "genomics"
    )
    assert process.wait(90) == 2
    last = (tmp_path / "log").read_text().splitlines()[-1]
    assert last.startswith("{")
    assert "CARELOOP_FHIR_URL" in last


def test_several_are_children_that_are_revived_and_stopped_together(
    tmp_path: Path, ehr: FakeEhr, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    port = port_of_two()
    own = environment(tmp_path, ehr.base, port)
    assert started(own, "topics").wait(PATIENCE_SEC) == 0
    process = started(own, "run", "genomics", "treatment")
    both = (port, port + 1)
    until(lambda: all((ready(p) or {}).get("status") == "ready" for p in both), 90)
    children = psutil.Process(process.pid).children()
    assert len(children) == 2
    children[0].kill()
    until(
        lambda: len(now := psutil.Process(process.pid).children()) == 2 and children[0] not in now
    )
    until(lambda: all((ready(p) or {}).get("status") == "ready" for p in both), 90)
    last = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGTERM)
    assert process.wait(END_SEC) == 0
    assert not any(child.is_running() for child in last)


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child that its parent ended"
)
def test_children_end_with_a_parent_that_is_killed(
    tmp_path: Path, ehr: FakeEhr, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    port = port_of_two()
    process = started(environment(tmp_path, ehr.base, port), "run", "genomics", "treatment")
    children = until(lambda: psutil.Process(process.pid).children())
    until(lambda: ready(port))
    process.kill()
    process.wait()
    until(
        lambda: (
            not any(
                child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children
            )
        )
    )


def test_a_child_that_cannot_start_as_things_are_set_up_ends_them_all(
    tmp_path: Path, ehr: FakeEhr, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    port = port_of_two()
    process = started(
        environment(tmp_path, f"{ehr.base}/nothing", port), "run", "genomics", "treatment"
    )
    assert process.wait(90) == 2
    assert "can't start as things are set up" in (tmp_path / "log").read_text()


def test_neither_logs_nor_metrics_quote_a_patient(tmp_path: Path, ehr: FakeEhr) -> None:
    """One genome that is analysed, one that is broken, one record that is garbage; at the lowest
    log level.
    """
    port = free_port()
    own = environment(tmp_path, ehr.base, port) | {"CARELOOP_LOG_LEVEL": "DEBUG"}
    settings = Settings(fhir_url=ehr.base, state_dir=tmp_path / "state")
    log = open_log(settings)
    log.create_topics(settings.partitions, ["genomics"])
    with open_ehr(settings) as client:
        patient = client.create(
            {"resourceType": "Patient", "name": [{"family": CANARY}], "birthDate": "1940-03-05"}
        ).reference
        good = VCF.read_bytes().replace(
            b"##fileformat=VCFv4.2\n", f"##fileformat=VCFv4.2\n##sample={CANARY}\n".encode()
        )
        documents = [
            client.create(document(patient, body)).reference
            for body in (good, good[:3000] + CANARY.encode())
        ]
        child = service_child("genomics", own, tmp_path / "log")
        child.start()
        try:
            until(lambda: (ready(port) or {}).get("status") == "ready")
            sink = log.sink()
            for reference in documents:
                resource = client.read(reference)
                assert resource is not None
                sink.send(EVENTS_TOPIC, [Message(*encode(event_of(resource, "create"), ehr.base))])
            sink.send(EVENTS_TOPIC, [Message(b"x", f'{{"focus": "{CANARY}"'.encode(), [])])
            sink.close()
            until(lambda: log.group_lag(EVENTS_TOPIC, group_of("genomics")) == 0)
            outcomes = [
                head.outcome for d in documents if (head := client.head(Answer("genomics", d)))
            ]
            assert outcomes == ["requested", "rejected"]
            httpx.post(
                f"http://127.0.0.1:{port}/analyze",
                json={"focus": f"Patient/{CANARY}"},
                timeout=PATIENCE_SEC,
            )
            metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SEC).text
        finally:
            assert child.process is not None
            child.process.terminate()
            child.wait(END_SEC)
    written = (tmp_path / "log").read_text()
    assert written.splitlines()
    assert CANARY not in written
    assert CANARY not in metrics
    assert all(line.startswith("{") for line in written.splitlines())


def document(patient: str, body: bytes) -> dict[str, Any]:
    attachment = {
        "contentType": "text/vcf",
        "data": base64.b64encode(body).decode(),
        "title": CANARY,
    }
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": codes.concept(codes.LOINC, "51969-4"),
        "description": CANARY,
        "subject": codes.reference(patient),
        "content": [{"attachment": attachment}],
    }
