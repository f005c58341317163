"""README.md says what is so: its table of settings is the class's own, its commands and links exist."""

import re
from pathlib import Path

import pytest

from services.cli import main
from services.settings_table import as_markdown
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["README.md", "CONTRIBUTING.md"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_table_of_settings_is_printed_from_the_class() -> None:
    """`careloop settings --markdown` prints what belongs there."""
    assert as_markdown(Settings) in read("README.md")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_named_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)", read(name))) | set(re.findall(r"^make ([a-z]+)", read(name), re.MULTILINE))
    assert named
    assert named <= targets


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_named_exists(name: str) -> None:
    named = set(re.findall(r"(?:`|^)careloop ([a-z-]+)", read(name), re.MULTILINE))
    assert named
    assert named <= set(main.commands)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_local_link_leads_to_a_file(name: str) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", read(name))
    assert [link for link in links if not (ROOT / link).exists()] == []
