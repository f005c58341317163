"""Holds the limits of the house: `python -m tests.house`, a part of `make check`.

Folders of Python hold at most 12 modules (`__init__.py` and tests/ aside), modules at most 300
lines, files at most 100 columns (ruff sees to .py). Nothing lies loose in services/ but the
catalogue, and in shared/ nothing but the language.
"""

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


def long(name: str, text: str) -> Iterator[str]:
    """A module with too many lines."""
    count = len(text.splitlines())
    if count > LINES:
        yield f"{name}: {count} lines, at most {LINES}: one concept a file"


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
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True
    )
    files = [name for name in listed.stdout.splitlines() if (root / name).is_file()]
    found = list(findings(root, files))
    print("\n".join(found) or f"the house's limits hold in {len(files)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
