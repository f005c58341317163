"""The README and the pages under docs/ say what is so: numbers, settings, commands, links."""

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
PAGES = sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", *PAGES]
LARGEST_README = 7_000
COMMAND = re.compile(r"^careloop ([a-z-]+)", re.MULTILINE)
STAGES: tuple[lifecycle.Stage, ...] = (
    "draft",
    "signed",
    "amended",
    "rejected",
    "left-out",
    "wrong-patient",
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_table_of_settings_is_printed_from_the_class() -> None:
    """`careloop settings --markdown` prints what belongs there."""
    assert as_markdown(Settings) in read("docs/settings.md")


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
        if f"| {kind} | {' | '.join(map(str, row))} |" not in read("docs/review.md")
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
    page = " ".join(read("docs/models.md").split())
    assert [number for number in said if number not in page] == []


def test_the_readmes_numbers_are_among_them() -> None:
    film = metrics("imaging/weights/chest-pneumonia")["metrics"]
    note, gene = metrics("notes/weights/entities")["metrics"], metrics("genomics")
    readme = read("README.md")
    assert f"AUC {film['auc']:.3f} in cross-validation on {film['films']} NIH films" in readme
    assert f"{gene['right']} of {gene['files']} PharmCAT test files right" in readme
    assert f"F1 of diseases {note['BC5CDR disease F1']:.3f} (BC5CDR)" in readme


def test_the_readme_is_short() -> None:
    assert len(read("README.md").encode()) <= LARGEST_README


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), ["README.md"]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        folder = (ROOT / name).parent
        found = [(folder / link).resolve() for link in links(name) if link.endswith(".md")]
        waiting += [str(path.relative_to(ROOT)) for path in found if path.is_file()]
    assert set(DOCUMENTS) <= reached


def test_every_test_file_named_exists() -> None:
    texts = [read(name) for name in DOCUMENTS]
    named = {test for text in texts for test in re.findall(r"`(tests/[\w/*]+(?:\.py)?)`", text)}
    assert named
    assert [name for name in named if not list(ROOT.glob(name))] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_named_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)", read(name))) | set(
        re.findall(r"^make ([a-z]+)", read(name), re.MULTILINE)
    )
    assert named or name not in ("README.md", "CONTRIBUTING.md")
    assert named <= targets


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_named_exists(name: str) -> None:
    text = read(name)
    code = "".join(re.findall(r"```.*?```", text, re.DOTALL))
    named = {*re.findall(r"`careloop ([a-z-]+)", text), *COMMAND.findall(code)}
    assert named or name not in ("README.md", "CONTRIBUTING.md")
    assert named <= set(main.commands)


def links(name: str) -> list[str]:
    return re.findall(r"\]\((?!https?://|#)([^)#]+)", read(name))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_local_link_leads_to_a_file(name: str) -> None:
    folder = (ROOT / name).parent
    assert [link for link in links(name) if not folder.joinpath(link).exists()] == []
