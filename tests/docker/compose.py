"""docker-compose.yml as data."""

import re
from pathlib import Path
from typing import Final

import yaml

from shared.json import Json

ROOT: Final = Path(__file__).parents[2]
FILE: Final = ROOT / "docker-compose.yml"
EXAMPLE: Final = ROOT / ".env.example"


def secrets() -> dict[str, str]:
    """`.env.example`."""
    lines = [
        line
        for line in EXAMPLE.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    return dict(line.split("=", 1) for line in lines)


def compose() -> Json:
    """The file with its anchors merged and its variables as `.env.example` has them."""

    def value(match: re.Match[str]) -> str:
        return secrets()[match["name"]]  # KeyError: a variable that the example forgets

    text = re.sub(
        r"(?<!\$)\$\{(?P<name>\w+)(:[?-][^}]*)?\}", value, FILE.read_text(encoding="utf-8")
    )
    read: Json = yaml.safe_load(text)
    return read
