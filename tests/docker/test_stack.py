"""The whole stack in containers: one patient's files go in, each service's answer comes out of HAPI
FHIR. Needs an engine.
"""

import json
import shutil
import subprocess
import time
from importlib.resources import files
from pathlib import Path

import pytest

from services import catalogue
from shared.answers import Answer
from shared.ehr.opening import open_ehr
from shared.fhir.summary import event_of
from shared.settings import load_settings
from tests.docker.compose import EXAMPLE, FILE, ROOT

COMPOSE = [
    "docker",
    "compose",
    "--env-file",
    str(EXAMPLE),
    "--file",
    str(FILE),
    "--project-name",
    "careloop-test",
]
PATIENCE_SEC = 300


def engine_answers() -> bool:
    return (
        bool(shutil.which("docker"))
        and subprocess.run(
            ["docker", "info"], capture_output=True, check=False, timeout=30
        ).returncode
        == 0
    )


pytestmark = [
    pytest.mark.docker,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not engine_answers(), reason="no container engine answers `docker info`"),
]


@pytest.fixture(scope="session")
def docker_compose_command() -> str:
    return f"docker compose --env-file {EXAMPLE}"


@pytest.fixture(scope="session")
def docker_compose_file() -> str:
    return str(FILE)


@pytest.fixture(scope="session")
def docker_compose_project_name() -> str:
    return "careloop-test"


@pytest.fixture(scope="session")
def docker_setup() -> list[str]:
    return ["up --build --detach --wait --wait-timeout 900"]


@pytest.mark.usefixtures("docker_services")
def test_each_service_answers_for_a_loaded_patient(tmp_path: Path) -> None:
    patient = Path(shutil.copytree(ROOT / "examples" / "patient", tmp_path / "patient"))
    (patient / "film.dcm").write_bytes(
        (files("data_store") / "data" / "RG1_UNCR.dcm").read_bytes()
    )  # package pydicom-data
    load = [
        *COMPOSE,
        "run",
        "--rm",
        "-T",
        "-v",
        f"{patient}:/patient:ro",
        "imaging",
        "careloop",
        "load",
        "--json",
        "/patient",
    ]
    loaded = json.loads(subprocess.run(load, capture_output=True, check=True, timeout=120).stdout)

    ehr = open_ehr(load_settings(fhir_url="http://127.0.0.1:8080/fhir"))
    events = [
        event_of(resource, "create") for row in loaded if (resource := ehr.read(row["resource"]))
    ]
    analysers = [catalogue.analyser(name) for name in catalogue.analyser_names()]
    answers = {
        Answer(s.name, s.input_of(event)) for event in events for s in analysers if s.accepts(event)
    }
    assert {answer.service for answer in answers} >= {"imaging", "genomics", "notes"}

    deadline = time.monotonic() + PATIENCE_SEC
    while time.monotonic() < deadline:
        outcomes = {
            answer: head.outcome if (head := ehr.head(answer)) else "none" for answer in answers
        }
        if set(outcomes.values()) == {"requested"}:
            return
        time.sleep(2)
    pytest.fail(
        f"not settled after {PATIENCE_SEC} s: { {str(a.service): o for a, o in outcomes.items()} }"
    )
