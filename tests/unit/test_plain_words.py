"""What is written for clinicians says things as clinicians do."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path("services")
FOLDERS = ("review", "imaging", "genomics", "notes", "treatment")
STUMBLES = {
    r"does not stand|do not stand": "has been withdrawn",
    r"[Tt]he patient has \{\}": "... is prescribed",
    r"rested on unsigned": "based on unsigned AI results",
    r"[Ss]et aside": "negated, family, ...: not counted",
    r"grave alert": "high-severity alert",
    r"^Another \w+.* instead of|, or less \w+$": "the drug, the risk, the gene",
    r"is ordered\b|not ordered\b|ordered dose": "prescribed",
    r"drawn again": "drafted anew",
}
TITLE = re.compile(r'^(?:title|effect|advice|goal|order|reason|note) = "(.*)"$', re.MULTILINE)


def _python(path: Path) -> Iterator[str]:
    """The texts of a module, a value in one as {}; not its docstrings."""
    tree = ast.parse(path.read_text())
    inner = {id(part) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for part in n.values}
    spoken = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in inner | spoken:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Every file of words for people, and each of its texts."""
    return tuple(_texts())


def _texts() -> Iterator[tuple[str, str]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix == ".py" and "train" not in path.name:
                yield from ((str(path), text) for text in _python(path))
            elif path.suffix in (".html", ".js"):
                yield str(path), path.read_text()
            elif path.suffix == ".toml" and "pypgx" not in str(path):
                yield from ((str(path), text) for text in TITLE.findall(path.read_text()))


@pytest.mark.parametrize(("stumble", "better"), STUMBLES.items())
def test_no_text_makes_a_clinician_stumble(stumble: str, better: str) -> None:
    found = [(path, text[:200]) for path, text in texts() if re.search(stumble, text)]
    assert found == [], f"say: {better}"


def test_the_texts_are_found() -> None:
    read = texts()
    assert len(read) > 2_000
    for text in ("Simvastatin: myopathy risk (SLCO1B1)", "Say why you reject the result."):
        assert any(said == text for _, said in read), text
    assert any("{} {} prescribed" in said for _, said in read)
