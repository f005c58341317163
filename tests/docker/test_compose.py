"""docker-compose.yml against the compose specification, our settings and our services; no engine
needed.
"""

import re
import subprocess
import sys
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from compose_spec import PyCompose

from services import catalogue
from shared.json import Json
from shared.settings import Settings
from tests.docker.analysers import OURS, own_analysers, rendered
from tests.docker.compose import EXAMPLE, FILE, ROOT, compose, secrets


def validate(spec: Json) -> None:
    PyCompose.from_yaml(yaml.safe_dump(spec)).validate()


def test_it_follows_the_compose_specification() -> None:
    validate(compose())


PLANTED = [
    ("database", {"imagee": "x"}, "imagee"),
    ("kafka", {"networks": ["nowhere"]}, "nowhere"),
    ("fhir", {"restart": "never"}, "unknown variant `never`"),
    ("pacs", {"healthcheck": {"interval": "often"}}, "duration `often`"),
]


@pytest.mark.parametrize(("service", "change", "named"), PLANTED)
def test_the_specification_refuses_a_planted_error(service: str, change: Json, named: str) -> None:
    planted = compose()
    planted["services"][service] |= change
    with pytest.raises(ValueError, match=named):
        validate(planted)


def test_all_six_services_and_their_peers_are_there() -> None:
    assert set(compose()["services"]) == {
        *OURS,
        "topics",
        "kafka",
        "database",
        "fhir",
        "pacs",
    }


def test_the_analysers_are_what_they_declare() -> None:
    """A new one is written by `python -m tests.docker.analysers`."""
    text = FILE.read_text(encoding="utf-8")
    assert text == rendered(text, own_analysers())


def test_an_analyser_that_reads_films_gets_the_pacs_and_another_does_not() -> None:
    films = catalogue.analyser("imaging")
    other = catalogue.analyser("notes")
    assert "ImagingStudy" in films.reads
    made = rendered(FILE.read_text(encoding="utf-8"), [replace(films, name="films"), other])
    services = yaml.safe_load(re.sub(r"\$\{[^}]*\}", "x", made))["services"]
    assert "pacs" in services["films"]["depends_on"]
    assert "CARELOOP_DICOMWEB_URL" not in services[other.name]["environment"]
    assert "imaging" not in services


@pytest.mark.parametrize("name", OURS)
def test_a_service_comes_from_the_one_dockerfile(name: str) -> None:
    service = compose()["services"][name]
    assert service["build"] == {"context": ".", "args": {"SERVICE": name}}
    assert service["image"] == f"careloop-{name}:0.1.0"


def test_each_image_is_built_once() -> None:
    """Docker 29 refuses the second of two builds of one tag that run at once.

    Who has no build is given the image, and asks no registry.
    """
    services = compose()["services"]
    built = [service["image"] for service in services.values() if "build" in service]
    assert len(built) == len(set(built))
    assert services["topics"]["image"] in built
    assert services["topics"]["pull_policy"] == "never"


@pytest.mark.parametrize("name", [*OURS, "topics"])
def test_a_service_has_the_least_rights(name: str) -> None:
    service = compose()["services"][name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])


@pytest.mark.parametrize("name", [*OURS, "topics"])
def test_every_variable_is_a_setting_and_its_value_is_valid(name: str) -> None:
    environment = compose()["services"][name]["environment"]
    assert all(variable.startswith("CARELOOP_") for variable in environment)
    fields = {
        variable.removeprefix("CARELOOP_").lower(): value for variable, value in environment.items()
    }
    assert set(fields) <= set(Settings.model_fields)
    Settings(**fields)


def test_review_shows_films_of_the_pacs_that_imaging_reads() -> None:
    services = compose()["services"]
    pacs = [
        {k: v for k, v in services[name]["environment"].items() if "DICOMWEB" in k}
        for name in ("imaging", "review")
    ]
    assert pacs[0] == pacs[1]
    assert set(pacs[1]) == {
        "CARELOOP_DICOMWEB_URL",
        "CARELOOP_DICOMWEB_USERNAME",
        "CARELOOP_DICOMWEB_PASSWORD",
    }


def test_hosts_in_the_settings_are_services_of_the_file() -> None:
    services = compose()["services"]
    urls = [
        str(v)
        for name in OURS
        for k, v in services[name]["environment"].items()
        if k.endswith(("_URL", "_SERVERS"))
    ]
    hosts = {re.sub(r"^\w+://", "", url).split(":")[0] for url in urls}
    assert hosts - {"127.0.0.1"} <= set(services)


@pytest.mark.parametrize("name", OURS)
def test_services_start_after_their_topics(name: str) -> None:
    services = compose()["services"]
    assert services[name]["depends_on"]["topics"] == {"condition": "service_completed_successfully"}
    assert services["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}


def test_every_volume_is_declared_and_used() -> None:
    used = {
        volume.split(":")[0]
        for service in compose()["services"].values()
        for volume in service.get("volumes", [])
    }
    assert used == set(compose()["volumes"])


def test_images_are_pinned() -> None:
    images = {name: service["image"] for name, service in compose()["services"].items()}
    assert all(re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", image) for image in images.values()), (
        images
    )


def test_what_others_wait_for_healthy_has_a_health_check() -> None:
    services = compose()["services"]
    waited = {
        peer
        for s in services.values()
        for peer, how in s.get("depends_on", {}).items()
        if how["condition"] == "service_healthy"
    }
    assert {peer for peer in waited if "healthcheck" not in services[peer]} == set()


class Waiting(BaseHTTPRequestHandler):
    """A service that lives and is not ready."""

    ready = False

    def do_GET(self) -> None:
        self.send_response(200 if self.ready or self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.mark.parametrize(("ready", "expected"), [(False, 1), (True, 0)])
def test_up_waits_until_intake_is_ready(
    ready: bool, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all health checks one asks for the EHR; it runs here against a port of ours."""
    monkeypatch.setattr(Waiting, "ready", ready)
    check = compose()["services"]["intake"]["healthcheck"]
    assert check["test"][:2] == ["CMD", "python"]
    with HTTPServer(("127.0.0.1", 0), Waiting) as server:
        Thread(target=server.handle_request, daemon=True).start()
        command = [
            sys.executable,
            *(part.replace(":8420/", f":{server.server_port}/") for part in check["test"][2:]),
        ]
        assert (
            subprocess.run(command, capture_output=True, check=False, timeout=30).returncode
            == expected
        )


def test_up_gives_the_ehr_time_and_nobody_waits_for_intake() -> None:
    """An intake that the EHR keeps waiting must not keep the others from starting."""
    services = compose()["services"]
    assert services["intake"]["healthcheck"]["start_period"] == "300s"
    assert [
        name for name, service in services.items() if "intake" in service.get("depends_on", {})
    ] == []


def test_ports_are_open_to_this_machine_alone() -> None:
    ports = [
        port for service in compose()["services"].values() for port in service.get("ports", [])
    ]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_stands_in_the_file() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert not [secret for secret in secrets().values() if secret in text]
    words = re.findall(
        r"^\s*\S*(?:PASSWORD|SECRET|SESSION_KEY|password)\S*: (.*)$", text, re.MULTILINE
    )
    assert words
    assert all(word.startswith("${") for word in words)
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert EXAMPLE.name == ".env.example"


def test_the_dockerfile_copies_what_the_ignore_file_lets_in() -> None:
    let_in = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copies = [
        line.split()[1:-1]
        for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
        if line.startswith("COPY") and "--from" not in line
    ]
    assert {Path(source).name for sources in copies for source in sources} == let_in
