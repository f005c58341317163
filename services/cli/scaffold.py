"""What `careloop new` writes.

A copy of `services/cli/template`, registered in a pyproject.toml.
"""

import re
import tomllib
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from typing import Final

from services.catalogue import GROUP, NAME, service_names
from shared.errors import Misconfigured

TEMPLATE: Final = Path(__file__).parent / "template"
TEXTS: Final = (".py", ".md", ".json")
HEADER: Final = f'[project.entry-points."{GROUP}"]\n'
PACKAGE: Final = """[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{distribution}"
version = "0.1.0"
requires-python = ">=3.11"
# careloop itself: install it from its checkout or from your own index first
dependencies = []

[project.entry-points."{group}"]
{name} = "{package}.service:SERVICE"

[tool.setuptools]
packages = ["{package}"]

[tool.setuptools.package-data]
"*" = ["**/*"]
"""


@dataclass(frozen=True)
class Scaffold:
    """Where a new service goes.

    Attributes:
        name: the service's name.
        package: the dotted name of its package.
        folder: the folder of that package.
        project: the pyproject.toml that registers it.
    """

    name: str
    package: str
    folder: Path
    project: Path


def in_checkout(name: str, checkout: Path) -> Scaffold:
    """Plan a service inside careloop's own checkout.

    Raises:
        Misconfigured: the folder is no checkout of careloop, or the name won't do.
    """
    project = checkout / "pyproject.toml"
    if _name_of(project) != "careloop":
        raise Misconfigured(
            f"{checkout.resolve()} is no checkout of careloop: change into one, or write a package "
            "of your own with --package FOLDER"
        )
    if HEADER not in project.read_text(encoding="utf-8"):
        raise Misconfigured(f"{project} has no line {HEADER.strip()}")
    return _checked(Scaffold(name, f"services.{name}", checkout / "services" / name, project))


def in_package(name: str, folder: Path) -> Scaffold:
    """Plan a service in a package of its own.

    Raises:
        Misconfigured: the folder holds something already, or the name won't do.
    """
    if not folder.name:
        raise Misconfigured("--package needs the name of a new folder")
    try:
        if folder.is_file():
            raise Misconfigured(f"{folder} is a file: name a new folder")
        if folder.exists() and any(folder.iterdir()):
            raise Misconfigured(f"{folder} is not empty: name a new folder")
    except OSError as error:
        raise Misconfigured(f"can't use {error.filename}: {error.strerror}") from None
    package = f"careloop_{name}"
    return _checked(Scaffold(name, package, folder / package, folder / "pyproject.toml"))


def write(plan: Scaffold) -> list[Path]:
    """Write the service and register it; return the files, the pyproject.toml last.

    Raises:
        Misconfigured: a file can't be written.
    """
    try:
        return _write(plan)
    except OSError as error:
        raise Misconfigured(
            f"can't write {error.filename}: {error.strerror}; remove {plan.folder} if it is there, "
            "and try again"
        ) from None


def _write(plan: Scaffold) -> list[Path]:
    written = []
    for source in sorted(p for p in TEMPLATE.rglob("*") if p.suffix in TEXTS):
        target = plan.folder / _renamed(str(source.relative_to(TEMPLATE)), plan)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_renamed(source.read_text(encoding="utf-8"), plan), encoding="utf-8")
        written.append(target)

    _register(plan)
    return [*written, plan.project]


def _checked(plan: Scaffold) -> Scaffold:
    if not NAME.fullmatch(plan.name) or iskeyword(plan.name):
        raise Misconfigured(
            f"{plan.name!r} won't do as a name: a lower-case word of letters and digits, such as "
            "ecg"
        )
    if plan.name in service_names():
        raise Misconfigured(f"there is a service called {plan.name} already: choose another name")
    if taken := [p for p in (plan.folder, plan.folder.with_suffix(".py")) if p.exists()]:
        raise Misconfigured(f"there is {taken[0]} already: choose another name")
    return plan


def _name_of(project: Path) -> str:
    """Return the project's name; empty where there is none or the file can't be read."""
    try:
        read = tomllib.loads(project.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    declared = read.get("project")
    return str(declared.get("name", "")) if isinstance(declared, dict) else ""


def _renamed(text: str, plan: Scaffold) -> str:
    new = {
        "services.cli.template": plan.package,
        "template": plan.name,
        "Template": plan.name.capitalize(),
    }
    return re.sub("|".join(map(re.escape, new)), lambda found: new[found[0]], text)


def _register(plan: Scaffold) -> None:
    """Add the one line to the checkout's pyproject.toml, or write the package's own."""
    if not plan.project.exists():
        text = PACKAGE.format(
            distribution=f"careloop-{plan.name}", group=GROUP, name=plan.name, package=plan.package
        )
        plan.project.write_text(text, encoding="utf-8")
        return

    text = plan.project.read_text(encoding="utf-8")
    before, found, after = text.partition(HEADER)
    line = f'{plan.name} = "{plan.package}.service:SERVICE"\n'
    plan.project.write_text(before + found + line + after, encoding="utf-8")
