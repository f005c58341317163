"""README.md says what is so: its table of settings is the class's own, its commands and links
exist.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from services import catalogue
from services.cli.main import main
from services.cli.settings_table import as_markdown
from shared.fhir import lifecycle
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "docs/operations.md", "docs/architecture.md"]
STAGES: tuple[lifecycle.Stage, ...] = ("draft", "signed", "amended", "rejected", "wrong-patient")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_table_of_settings_is_printed_from_the_class() -> None:
    """`careloop settings --markdown` prints what belongs there."""
    assert as_markdown(Settings) in read("README.md")


def test_the_life_cycle_is_the_one_that_the_code_follows() -> None:
    kinds = {
        kind for name in catalogue.analyser_names() for kind in catalogue.analyser(name).writes
    }
    rows = {
        kind: [
            lifecycle.status_of(lifecycle.at_stage({"resourceType": kind}, stage))
            for stage in STAGES
        ]
        for kind in kinds
    }
    missing = [
        kind
        for kind, row in rows.items()
        if f"| {kind} | {' | '.join(map(str, row))} |" not in read("README.md")
    ]
    assert missing == []


def metrics(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(read(f"services/{path}/metrics.json"))
    return found


def test_the_numbers_are_those_that_the_evaluations_stored() -> None:
    film, note = (
        metrics("imaging/weights/chest-pneumonia")["metrics"],
        metrics("notes/weights/entities")["metrics"],
    )
    gene = metrics("genomics")
    said = [
        f"AUC {film['auc']:.3f} (95 % interval {film['auc_low']:.3f} to {film['auc_high']:.3f}) in "
        f"cross-validation on {film['films']} NIH films",
        f"PA {film['auc_pa']:.3f}, AP {film['auc_ap']:.3f}; sensitivity {film['sensitivity']:.3f}, "
        f"specificity {film['specificity']:.3f}",
        f"masses scores {film['masses']:.2f}",
        f"AUC {film['auc_children']:.3f}",
        f"{gene['right']} of {gene['files']} PharmCAT test files right",
        f"({gene['one']} called alone, {gene['among']} among several, {gene['no_call']} rightly "
        "not called)",
        f"chemicals {note['BC5CDR chemical F1']:.3f}, diseases {note['BC5CDR disease F1']:.3f} "
        f"(BC5CDR), {note['NCBI disease F1']:.3f} (NCBI)",
        f"negation {note['negation F1']:.3f}, historical {note['historical F1']:.3f} (NegEx set)",
    ]
    assert [number for number in said if number not in read("README.md")] == []


def test_every_test_file_named_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/*]+\.py)`", read("README.md")))
    assert named
    assert [name for name in named if not list(ROOT.glob(name))] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_named_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)", read(name))) | set(
        re.findall(r"^make ([a-z]+)", read(name), re.MULTILINE)
    )
    assert named or name.startswith("docs/")
    assert named <= targets


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_named_exists(name: str) -> None:
    named = set(re.findall(r"(?:`|^)careloop ([a-z-]+)", read(name), re.MULTILINE))
    assert named or name.startswith("docs/")
    assert named <= set(main.commands)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_local_link_leads_to_a_file(name: str) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", read(name))
    assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []
