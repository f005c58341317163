"""`careloop doctor` against what is there, what is down and what is wrong: each line says what to
do, the exit status says whether to.
"""

import gc
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from services.cli.main import main
from services.clinic.ports import free_port
from shared.ehr.opening import open_ehr
from shared.ehr.proof import prove, words
from shared.errors import Misconfigured
from shared.settings import load_settings
from tests.fakes import HAPI, SEKMET, FakeEhr, Habits
from tests.hooks import Listener
from tests.peers import sekmet


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in os.environ if n.startswith("CARELOOP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CARELOOP_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("CARELOOP_FHIR_TIMEOUT_SEC", "20")


@pytest.fixture(params=["fake-sekmet", "fake-hapi", "sekmet"])
def ehr(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    if request.param == "sekmet":
        with sekmet(tmp_path / "sekmet") as peer:
            monkeypatch.setenv("CARELOOP_FHIR_URL", peer.base)
            yield peer.base
    else:
        with FakeEhr(SEKMET if request.param == "fake-sekmet" else HAPI) as fake:
            monkeypatch.setenv("CARELOOP_FHIR_URL", fake.base)
            yield fake.base


def doctor(*services: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["doctor", *services])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.output


def missing(output: str) -> dict[str, str]:
    """What is missing -> what to do about it."""
    lines = output.splitlines()
    return {
        line[9:].split(":")[0]: lines[n + 1].strip()
        for n, line in enumerate(lines)
        if line.startswith("missing")
    }


def test_all_is_well(ehr: str) -> None:
    CliRunner().invoke(main, ["topics"])
    status, output = doctor("intake", "genomics", "treatment")
    assert (status, missing(output)) == (0, {}), output
    assert ehr in output


def test_the_bases_of_the_ehr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_FHIR_ALIASES", "https://alias.example:443/fhir/")
    named = replace(SEKMET, implementation_url="https://public.example/r4")
    for habits, state in ((named, "ok"), (replace(named, self_base="http://in.example/x"), "note")):
        with FakeEhr(habits) as fake:
            monkeypatch.setenv("CARELOOP_FHIR_URL", fake.base)
            _, output = doctor("treatment")
        [line] = [n for n in output.splitlines() if "bases of the EHR" in n]
        assert line.split()[0] == state
        assert f"{fake.base.removeprefix('http://')} (CARELOOP_FHIR_URL)" in line
        assert "alias.example/fhir (CARELOOP_FHIR_ALIASES)" in line
        assert "public.example/r4 (CapabilityStatement.implementation)" in line
        assert ("in.example/x (self links)" in line) == (state == "note")
        assert ("CARELOOP_FHIR_ALIASES; if not" in output) == (state == "note")


def test_what_a_service_proved_of_the_ehr(ehr: str) -> None:
    assert "not proven yet" in doctor()[1]
    with open_ehr(load_settings(fhir_url=ehr)) as client:
        abilities = prove(client)
    _, said = doctor()
    assert f"ok       guards of the EHR: proven by a service: {words(abilities)}" in said
    assert ("read by id" in said) == (abilities.create_guard is not None)


@pytest.mark.parametrize(
    ("habits", "lacking"),
    [
        (replace(SEKMET, keeps_versions=False), "versions of a resource"),
        (replace(HAPI, keeps_versions=False), "versions of a resource"),
        (replace(SEKMET, ignores_if_match=True), "If-Match"),
        (replace(HAPI, ignores_if_match=True), "If-Match"),
        (replace(SEKMET, stale_if_match=422), "409 or 412"),  # type: ignore[arg-type]
        (replace(SEKMET, runs_transactions_as_batches=True), "atomic transactions"),
        (replace(HAPI, runs_transactions_as_batches=True), "atomic transactions"),
    ],
)
def test_what_a_service_was_refused_for(
    habits: Habits, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeEhr(habits) as fake:
        monkeypatch.setenv("CARELOOP_FHIR_URL", fake.base)
        with open_ehr(load_settings(fhir_url=fake.base)) as client:
            for _ in range(2):
                with pytest.raises(Misconfigured):
                    prove(client)
        status, said = doctor()
    assert status == 1 and "proven" not in said
    [line] = [n for n in said.splitlines() if "guards of the EHR" in n]
    assert line.startswith("missing  guards of the EHR: a service was refused: ")
    assert f"lacks {lacking}" in line


def test_an_ehr_that_keeps_no_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeEhr(replace(SEKMET, keeps_versions=False)) as fake:
        monkeypatch.setenv("CARELOOP_FHIR_URL", fake.base)
        httpx.post(f"{fake.base}/Patient", json={"resourceType": "Patient"}).raise_for_status()
        status, said = doctor()
    assert status == 1
    assert "missing  guards of the EHR: its resources show no version" in said


def test_an_ehr_that_does_not_search_by_link(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {}
    for habits in (SEKMET, HAPI):
        for ignores in (True, False):
            with FakeEhr(replace(habits, ignores_links=ignores)) as fake:
                for _ in range(2):
                    httpx.post(f"{fake.base}/Patient", json={"resourceType": "Patient"})
                monkeypatch.setenv("CARELOOP_FHIR_URL", fake.base)
                _, output = doctor("treatment")
            [line] = [n for n in output.splitlines() if "merged patients" in n]
            said[habits.name, ignores] = (line.split()[0], "`replaces`" in output)
    assert said == {key: ("note", True) if key[1] else ("ok", False) for key in said}


def test_missing_topics(ehr: str) -> None:
    status, output = doctor("genomics")
    assert (status, missing(output)) == (1, {"event log": "-> Run `careloop topics`."}), output


def test_an_ehr_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_FHIR_URL", f"http://127.0.0.1:{free_port()}/fhir")
    CliRunner().invoke(main, ["topics"])
    status, output = doctor("genomics")
    assert status == 1
    assert "CARELOOP_FHIR_URL" in missing(output)["EHR"]
    assert "model of genomics" in output, "the rest is looked at all the same"


def test_a_url_that_is_no_ehr(monkeypatch: pytest.MonkeyPatch) -> None:
    CliRunner().invoke(main, ["topics"])
    for status in (200, 404):
        with Listener(status) as listener:
            monkeypatch.setenv("CARELOOP_FHIR_URL", listener.url)
            code, output = doctor("genomics")
            assert (code, list(missing(output))) == (1, ["EHR"]), output
            assert "ok       EHR" not in output


def test_an_alias_that_is_none_is_named_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_FHIR_ALIASES", "ehr.example/fhir")
    _, output = doctor("genomics")
    assert "missing  EHR: CARELOOP_FHIR_ALIASES" in output
    assert "Set CARELOOP_FHIR_URL" not in output


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # kafka-python leaves its sockets open where it can't bootstrap
def test_a_broker_that_is_down(ehr: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    status, output = doctor("genomics")
    assert status == 1
    assert "CARELOOP_KAFKA_BOOTSTRAP_SERVERS" in missing(output)["event log"]
    gc.collect()


def test_a_pacs_that_is_down(ehr: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_DICOMWEB_URL", f"http://127.0.0.1:{free_port()}/dicom-web")
    status, output = doctor("review")
    assert status == 1
    assert "CARELOOP_DICOMWEB_URL" in missing(output)["PACS"]
    assert "CARELOOP_REVIEW_LOCAL_USER" in missing(output)["login of review"]


def test_without_torch_the_model_is_missing_and_the_extra_named(
    ehr: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    CliRunner().invoke(main, ["topics"])
    for name in [n for n in sys.modules if n == "services.imaging.model"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)  # `import torch` raises ImportError
    status, output = doctor("imaging", "genomics")
    assert status == 1
    assert "careloop[imaging]" in missing(output)["model of imaging"]
    assert "ok       model of genomics" in output
    assert "note     GPU" in output


def test_a_setting_that_is_none_is_pointed_out(ehr: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_FIHR_URL", "http://ehr.example")
    _, output = doctor("genomics")
    assert "CARELOOP_FIHR_URL" in output
    assert "Is CARELOOP_FHIR_URL meant?" in output
