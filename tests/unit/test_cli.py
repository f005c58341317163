"""The command line: each command says what to do next; what is wrong is one line that names it, and
exit status 2.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from joserfc.jwk import ECKey

from services import catalogue
from services.cli.main import main
from services.cli.settings_table import as_markdown
from shared.settings import Settings
from tests.fakes import FakeEhr

ROOT = Path(__file__).parents[2]
PATIENT = json.dumps(
    {"resourceType": "Patient", "identifier": [{"system": "urn:test:mrn", "value": "1"}]}
)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings but the test's own."""
    for name in [n for n in os.environ if n.startswith("CARELOOP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CARELOOP_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv(
        "CARELOOP_FHIR_URL", "http://127.0.0.1:9/fhir"
    )  # nobody listens on the discard port
    monkeypatch.setenv("CARELOOP_FHIR_TIMEOUT_SEC", "0.5")


@pytest.fixture
def ehr(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEhr]:
    with FakeEhr() as fake:
        monkeypatch.setenv("CARELOOP_FHIR_URL", fake.base)
        yield fake


def careloop(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def refused(*arguments: str) -> str:
    """What is said, from `Error:` on."""
    result = careloop(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.stderr[result.stderr.index("Error: ") :].strip()


def commands(group: click.Group, *before: str) -> Iterator[tuple[str, ...]]:
    """The words of each command and group below this one."""
    for name, command in sorted(group.commands.items()):
        yield (*before, name)
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)


@pytest.mark.parametrize("words", list(commands(main)), ids=" ".join)
def test_every_command_explains_itself_and_says_what_comes_next(words: tuple[str, ...]) -> None:
    result = careloop(*words, "--help")
    assert result.exit_code == 0
    described, found, _ = " ".join(result.output.split()).rpartition("Next: ")
    assert found, result.output
    assert described


def test_the_commands_are_listed_with_where_to_begin() -> None:
    result = careloop("--help")
    assert set(main.commands) <= set(result.output.split())
    assert "Begin with `careloop demo`" in " ".join(result.output.split())


def test_a_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_HTTP_PORT", "Canary")
    monkeypatch.setenv("CARELOOP_CONSENT_DEFAULT", "perhaps")
    line = refused("run", "genomics")
    assert "CARELOOP_HTTP_PORT" in line
    assert "CARELOOP_CONSENT_DEFAULT" in line
    assert "Canary" not in line


def test_an_unknown_service_or_command_is_named_with_what_there_is() -> None:
    known = ", ".join(f"'{name}'" for name in catalogue.service_names())
    assert known in refused("run", "nothing")
    assert known in refused("scopes", "nothing")
    assert "frob" in refused("frob")
    assert "SERVICE" in refused("run")


def test_an_ehr_that_does_not_answer_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(
        json.dumps(
            {"resourceType": "Patient", "managingOrganization": {"reference": "Organization/1"}}
        )
    )
    line = refused("load", str(tmp_path / "p.json"))
    assert "CARELOOP_FHIR_URL" in line
    assert "careloop doctor" in line


def test_a_url_that_is_none_is_named_with_its_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "p.json").write_text(PATIENT)
    monkeypatch.setenv("CARELOOP_FHIR_URL", "fhir.example")
    assert "CARELOOP_FHIR_URL" in refused("load", str(tmp_path / "p.json"))


def test_a_missing_or_wrong_file_is_named(tmp_path: Path) -> None:
    assert "/no/such/folder" in refused("load", "/no/such/folder")
    (tmp_path / "p.json").write_text("{")
    assert "p.json: not JSON: line 1" in refused("load", str(tmp_path / "p.json"))


def test_load_prints_what_stands_and_the_second_time_knows_it(ehr: FakeEhr, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(PATIENT)
    (tmp_path / "scan.pdf").write_bytes(b"%PDF")
    first, second = careloop("load", str(tmp_path)), careloop("load", str(tmp_path))
    assert first.exit_code == second.exit_code == 0
    assert (first.stdout[:5], second.stdout[:5]) == ("new  ", "known")
    assert "Next:" in first.stdout
    assert "scan.pdf" in first.stderr
    [row] = json.loads(careloop("load", "--json", str(tmp_path)).stdout)
    assert row == {
        "file": "p.json",
        "resource": f"Patient/{ehr.resources('Patient')[0]['id']}",
        "new": False,
    }


def test_topics_are_created_once() -> None:
    assert careloop("topics").output.count("created") == 1 + len(catalogue.analyser_names())
    again = careloop("topics")
    assert (again.exit_code, again.output) == (0, "all topics exist already\n")


@pytest.mark.parametrize("name", catalogue.service_names())
def test_scopes_are_printed_one_a_line(name: str) -> None:
    lines = careloop("scopes", name).output.splitlines()
    assert lines
    assert all(re.fullmatch(r"system/[A-Z][A-Za-z]+\.c?r?u?s?", line) for line in lines)


@pytest.mark.parametrize("client_id", [None, "careloop-imaging"])
def test_the_public_key_is_printed_as_a_jwk_set_with_nothing_private(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, client_id: str | None
) -> None:
    key = ECKey.generate_key("P-384")
    path = tmp_path / "key.pem"
    path.write_bytes(key.as_pem(private=True))
    monkeypatch.setenv("CARELOOP_FHIR_PRIVATE_KEY_FILE", str(path))
    if client_id:
        monkeypatch.setenv("CARELOOP_FHIR_CLIENT_ID", client_id)
    [printed] = json.loads(careloop("jwks").stdout)["keys"]
    public = key.as_dict(private=False)
    assert (printed["x"], printed["y"], printed["crv"], printed["alg"], printed["use"]) == (
        public["x"],
        public["y"],
        "P-384",
        "ES384",
        "sig",
    )
    assert printed["kid"] and "d" not in printed


def test_without_a_key_file_the_setting_is_named() -> None:
    assert "CARELOOP_FHIR_PRIVATE_KEY_FILE" in refused("jwks")


def test_settings_show_what_is_set_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_KAFKA_SASL_PASSWORD", "Canary")
    output = careloop("settings").output
    assert "* CARELOOP_KAFKA_SASL_PASSWORD" in output
    assert "  CARELOOP_KAFKA_CA_FILE" in output
    assert "Canary" not in output


def test_the_table_has_a_row_of_three_cells_for_each_setting() -> None:
    rows = careloop("settings", "--markdown").output.splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [
        f"CARELOOP_{name.upper()}" for name in Settings.model_fields
    ]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


def test_the_table_of_the_docs_is_the_printed_one() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page.split("<!-- settings -->")[1].split("<!-- /settings -->")[0].strip() == as_markdown(
        Settings
    )


def test_a_dead_letter_that_is_not_there_is_wrong_usage() -> None:
    careloop("topics")
    assert "has no dead letter" in refused("dead-letters", "show", "--service", "notes", "x")
