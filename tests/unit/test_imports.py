"""What importing costs and touches: a service alone needs its own extra alone, and no model is
loaded before its `load`.

The contracts of who may import whom stand in `.importlinter` (`make check`); here is what they
can't see.
"""

import ast
import json
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from services.catalogue import analyser_names, service_names

ROOT = Path(__file__).parents[2]
HEAVY = {
    "torch",
    "transformers",
    "captum",
    "peft",
    "monai",
    "pandas",
    "scipy",
}
ENTRY = {"intake": "services.intake.process", "review": "services.review.app"}

PROBE = """
import importlib, sys

blocked = set(sys.argv[2].split(","))

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(f"{name} belongs to another extra, or is loaded too early")

sys.meta_path.insert(0, Refuse())
importlib.import_module(sys.argv[1])
"""


def plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def holds(requirement: Requirement, extras: frozenset[str]) -> bool:
    return requirement.marker is None or any(
        requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}
    )


def closure(requirements: list[str]) -> frozenset[str]:
    """The distributions that these requirements bring, as installed here."""
    found: set[tuple[str, frozenset[str]]] = set()
    queue = [Requirement(text) for text in requirements]
    while queue:
        requirement = queue.pop()
        key = (plain(requirement.name), frozenset(requirement.extras))
        if key not in found:
            found.add(key)
            queue += [r for text in requires(key[0]) or [] if holds(r := Requirement(text), key[1])]
    return frozenset(name for name, _ in found)


@cache
def project() -> dict[str, Any]:
    read: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    return read


def modules_of_other_extras(service: str) -> set[str]:
    """Top-level modules that the services' extras bring and a bare `pip install careloop[service]`
    does not.
    """
    extras = {name: [] for name in service_names()} | project()["optional-dependencies"]
    base = [text for text in project()["dependencies"] if holds(Requirement(text), frozenset())]
    own = closure(base + extras[service])
    others = closure([text for name in service_names() for text in extras[name]]) - own
    return {
        module
        for module, owners in packages_distributions().items()
        if {plain(owner) for owner in owners} <= others
    }


def base_modules() -> set[str]:
    """Top-level modules that a bare `pip install careloop` brings."""
    names = closure([t for t in project()["dependencies"] if holds(Requirement(t), frozenset())])
    return {
        m for m, owners in packages_distributions().items() if {plain(o) for o in owners} & names
    }


def import_error(module: str, blocked: set[str]) -> str:
    """Import it in a fresh interpreter where these top-level modules can't be had; "" when that
    works.
    """
    command = [sys.executable, "-c", PROBE, module, ",".join(sorted(blocked))]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    ).stderr


@pytest.mark.parametrize("service", service_names())
def test_a_service_imports_with_its_own_extra_alone_and_no_model(service: str) -> None:
    entry = ENTRY.get(service, f"services.{service}.service")
    assert import_error(entry, modules_of_other_extras(service) | HEAVY) == ""


def test_what_is_blocked_is_what_others_bring() -> None:
    assert {"allel", "transformers"} <= modules_of_other_extras("imaging")
    assert {"pydicom", "captum", "torch"} <= modules_of_other_extras("genomics")
    assert not {"torch", "flask", "numpy"} & modules_of_other_extras("notes")


def test_the_probe_refuses_what_is_blocked() -> None:
    assert "belongs to another extra" in import_error("shared.events", {"shared"})


def reads_of_the_environment(source: str) -> list[int]:
    """Lines that read one variable.

    Handing the whole environment to a child process is no reading.
    """
    lines = []
    for node in ast.walk(ast.parse(source)):
        read = isinstance(node, ast.Attribute) and node.attr in ("getenv", "getenvb")
        of_environ = isinstance(node, ast.Subscript | ast.Attribute) and isinstance(
            node.value, ast.Attribute | ast.Name
        )
        if (
            of_environ
            and (getattr(node.value, "attr", None) or getattr(node.value, "id", None)) == "environ"
        ):
            read |= isinstance(node, ast.Subscript) or node.attr in ("get", "pop")
        if read:
            lines.append(node.lineno)
    return lines


def test_settings_alone_read_the_environment() -> None:
    files = [
        path
        for folder in ("shared", "services")
        for path in (ROOT / folder).rglob("*.py")
        if path != ROOT / "shared" / "settings.py"
    ]
    found = {
        str(path.relative_to(ROOT)): lines
        for path in files
        if (lines := reads_of_the_environment(path.read_text(encoding="utf-8")))
    }
    assert found == {}, json.dumps(found)


@pytest.mark.parametrize(
    "line", ["os.environ['A']", "os.environ.get('A')", "os.getenv('A')", "environ['A']"]
)
def test_a_read_of_the_environment_is_seen(line: str) -> None:
    assert reads_of_the_environment(f"import os\nx = {line}") == [2]
    assert reads_of_the_environment("import os\nchild(os.environ | {'A': 'b'})") == []


@pytest.mark.parametrize("name", analyser_names())
def test_what_a_service_declares_imports_without_any_extra(name: str) -> None:
    """Intake and review load every declaration: their images hold no other service's parts."""
    every = {m for service in service_names() for m in modules_of_other_extras(service)}
    assert import_error(f"services.{name}.service", (every - base_modules()) | HEAVY) == ""


def test_no_module_lists_the_analysers() -> None:
    """Registration is an entry point: a list elsewhere would leave a fifth service out."""
    assert {path.parent.name for path in ROOT.glob("services/*/service.py")} == set(
        analyser_names()
    )
    lists = [
        str(path.relative_to(ROOT))
        for path in [*ROOT.glob("services/**/*.py"), *ROOT.glob("shared/**/*.py")]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Tuple | ast.List | ast.Set)
        # two are those with something in common
        if len(names_in(node) & set(analyser_names())) > 2
    ]
    assert lists == []


def names_in(node: ast.Tuple | ast.List | ast.Set) -> set[object]:
    return {item.value for item in node.elts if isinstance(item, ast.Constant)}
