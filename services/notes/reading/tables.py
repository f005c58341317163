"""The service's own tables (`data/*.toml`), read once (pure data)."""

import hashlib
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

TABLES = ("cues", "labels", "languages", "problems", "sections")


@cache
def table(name: str) -> dict[str, Any]:
    """The table `data/{name}.toml`."""
    return tomllib.loads(_raw(name).decode())


def rules_digest() -> str:
    """SHA-256 (hex) of all tables, the shared drug names among them.

    A changed rule is a changed model.
    """
    total = hashlib.sha256()
    for name in TABLES:
        total.update(_raw(name))
    total.update(files("shared.terms").joinpath("drugs.toml").read_bytes())
    return total.hexdigest()


def _raw(name: str) -> bytes:
    return files("services.notes").joinpath("data", f"{name}.toml").read_bytes()
