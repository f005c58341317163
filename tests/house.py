"""Holds the limits of the house: `python -m tests.house`, a part of `make check`.

Folders of Python hold at most 12 modules (`__init__.py` and tests/ aside), modules at most 300
lines, files at most 100 columns (ruff sees to .py), the first line of a docstring outside tests/ at
most 80 characters. Nothing lies loose in services/ but the catalogue, and in shared/ nothing but
the language. A service imports no other service: its folder
is one with a `service.py`, so that a new one is held to it, too (`.importlinter` names ours).
"""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

MODULES: Final = 12
LINES: Final = 300
COLUMNS: Final = 100
HEADLINE: Final = 80
DOCUMENTED: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
LOOSE: Final[Mapping[str, frozenset[str]]] = {
    "services": frozenset({"__init__", "catalogue"}),
    "shared": frozenset(
        {
            "__init__",
            "answers",
            "errors",
            "events",
            "instants",
            "json",
            "panel",
            "references",
            "review_settings",
            "service",
            "settings",
        }
    ),
}
NARROW: Final = re.compile(r"^(\.ci/.*|Makefile|[^/]+\.(md|toml)|docs/.*\.md)$")
"""Texts that people read in a terminal; rule tables and model cards are data."""
ADDRESS: Final = re.compile(r"https?://|\]\(")


def findings(root: Path, files: list[str]) -> Iterator[str]:
    """Each broken limit: the file or folder, the number, the limit."""
    modules = [Path(name) for name in files if name.endswith(".py")]
    yield from crowded(modules)
    yield from loose(modules)
    yield from mixed(root, modules)
    for module in modules:
        if module.parts[0] != "tests":
            yield from wordy(str(module), (root / module).read_text(encoding="utf-8"))
    for name in files:
        if name.endswith(".py") or NARROW.search(name):
            text = (root / name).read_text(encoding="utf-8")
            yield from (long if name.endswith(".py") else wide)(name, text)


def crowded(modules: list[Path]) -> Iterator[str]:
    """Folders with too many modules; tests may be many."""
    counts = Counter(str(m.parent) for m in modules if m.name != "__init__.py")
    for folder, count in sorted(counts.items()):
        if count > MODULES and folder.split("/")[0] != "tests":
            yield f"{folder}: {count} modules, at most {MODULES}: make subfolders"


def loose(modules: list[Path]) -> Iterator[str]:
    """Modules that belong in a room."""
    for module in modules:
        allowed = LOOSE.get(str(module.parent))
        if allowed is not None and module.stem not in allowed:
            yield f"{module}: lies loose: move it into a room of {module.parent}/"


def mixed(root: Path, modules: list[Path]) -> Iterator[str]:
    """Modules of a service that import from services/ what is not theirs, the catalogue aside."""
    services = {m.parent for m in modules if m.name == "service.py" and len(m.parts) == 3}
    for module in modules:
        if Path(*module.parts[:2]) not in services:
            continue
        own = {module.parts[1], "catalogue"}
        for number, name in _imported(ast.parse((root / module).read_text(encoding="utf-8"))):
            if name.startswith("services.") and name.split(".")[1] not in own:
                yield f"{module}:{number}: imports {name}: services meet through FHIR alone"


def _imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def long(name: str, text: str) -> Iterator[str]:
    """A module with too many lines."""
    count = len(text.splitlines())
    if count > LINES:
        yield f"{name}: {count} lines, at most {LINES}: one concept a file"


def wordy(name: str, text: str) -> Iterator[str]:
    """Docstrings whose first line is too long."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, DOCUMENTED) and (docstring := ast.get_docstring(node)):
            count, number = len(docstring.splitlines()[0]), node.body[0].lineno
            if count > HEADLINE:
                yield f"{name}:{number}: a first line of {count} characters, at most {HEADLINE}"


def wide(name: str, text: str) -> Iterator[str]:
    """Lines with too many columns; tables, code blocks and addresses can't be broken."""
    in_code = False
    for number, line in enumerate(text.splitlines(), start=1):
        if name.endswith(".md") and line.lstrip().startswith("```"):
            in_code = not in_code
        unbreakable = in_code or line.startswith("|") or ADDRESS.search(line)
        if len(line) > COLUMNS and not unbreakable:
            yield f"{name}:{number}: {len(line)} columns, at most {COLUMNS}"


def main() -> int:
    root = Path(__file__).parents[1]
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [name for name in listed.stdout.splitlines() if (root / name).is_file()]
    found = list(findings(root, files))
    print("\n".join(found) or f"the house's limits hold in {len(files)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
