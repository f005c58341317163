"""The verdict of `careloop doctor` on one thing."""

from dataclasses import dataclass
from typing import Final, Literal

import click

State = Literal["ok", "note", "missing"]
COLOUR: Final = {"ok": "green", "note": "yellow", "missing": "red"}


@dataclass(frozen=True)
class Check:
    """One thing looked at; `advice` is the remedy unless it is ok."""

    what: str
    state: State
    found: str
    advice: str = ""


def as_line(check: Check) -> str:
    """One line, and a second one with the remedy."""
    first = (
        f"{click.style(f'{check.state:<8}', fg=COLOUR[check.state])} {check.what}: {check.found}"
    )
    return first + (f"\n         -> {check.advice}" if check.advice else "")
