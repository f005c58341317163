"""The calls against PharmCAT's files, by the command that users run, and that the card shows the
numbers it prints.
"""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.genomics.evaluate import DATA, METRICS, evaluate, main
from services.genomics.expected import expectation
from services.genomics.model import rules
from services.genomics.pgx.tables import load_tables
from tests.unit.genomics_vcf import gene


@pytest.fixture
def data() -> Path:
    if not DATA.is_dir() and os.environ.get("CI") != "true":
        pytest.skip("the test files are not beside this clone")
    return DATA


def test_every_file_is_called_as_its_name_says(data: Path) -> None:
    done = CliRunner().invoke(main, ["--data", str(data), "--floor", "1"])
    assert done.exit_code == 0, done.output
    numbers = json.loads(METRICS.read_text(encoding="utf-8"))
    assert f"{numbers['right']} of {numbers['files']} right" in done.output
    assert f"{numbers['right']} of {numbers['files']} right" in rules().card.card


def test_no_other_gene_is_called(data: Path) -> None:
    assert [
        result.file for result in evaluate(data, load_tables()) if "; calls" in result.found
    ] == []


def test_a_wrong_call_fails_the_command(tmp_path: Path, data: Path) -> None:
    folder = tmp_path / "TPMT"
    folder.mkdir()
    (folder / "s2s2.vcf").write_bytes((data / "TPMT" / "s3as3b.vcf").read_bytes())
    done = CliRunner().invoke(main, ["--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "0 of 1 right" in done.output


@pytest.mark.parametrize(
    ("name", "stem", "met", "unmet"),
    [
        ("CYP2C19", "s2s3", [("*2", "*3")], [("*2", "*2")]),
        ("CYP2C19", "s4bs17rs28399504missing", [("*4", "*17"), ("*17", "*17")], [("*17", "*17")]),
        ("CYP2C19", "s1s17s1s4bmissing", [("*1", "*17"), ("*1", "*4")], [("*1", "*17")]),
        ("CYP2C19", "s1s4s17", [("*1", "*4"), ("*4", "*17")], [("*1", "*2")]),
        ("CYP2C19", "sUnks17", [], [("*1", "*17")]),
        ("CYP2C9", "s24s2pluss24", [("*24", "[*2 + *24]")], [("*2", "*24")]),
        ("SLCO1B1", "s1as15s1bs5missing", [("*1", "*15"), ("*5", "*37")], [("*1", "*15")]),
        ("SLCO1B1", "SLCO1B1_s15_s45_t1", [("*15", "*45")], [("*1", "*46")]),
        ("TPMT", "het3a", [("*1", "*3A")], [("*3B", "*3C")]),
        ("TPMT", "hom1s_het3a", [("*1", "*3A")], [("*1", "*1")]),
        ("TPMT", "s1ss1ss3", [("*1", "*3C")], [("*1", "*2")]),
        ("NUDT15", "s2ref", [("*1", "*2")], [("*1", "*3")]),
        ("VKORC1", "-1639A-1639A", [("-1639A", "-1639A")], [("-1639G", "-1639A")]),
        ("DPYD", "c1156het", [("Reference", "c.1156G>T (*12)")], []),
    ],
)
def test_how_a_file_name_is_read(
    name: str, stem: str, met: list[tuple[str, str]], unmet: list[tuple[str, str]]
) -> None:
    wanted = expectation(gene(name), stem)
    assert wanted is not None
    assert wanted.met(met)
    assert not wanted.met(unmet)


@pytest.mark.parametrize("stem", ["multi", "rs12769205only", "s999s1"])
def test_a_name_that_says_nothing_is_not_counted(stem: str) -> None:
    assert expectation(gene("CYP2C19"), stem) is None
