"""The text layer of a PDF, within bounds of time and memory."""

import json
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from shared.errors import InvalidInput
from shared.text.doors.opened import MAX_CHARACTERS

CHILD: Final = Path(__file__).with_name("extract.py")
CPU_SEC: Final = 10
WALL_SEC: Final = 40
MEMORY_BYTES: Final = 1_500_000_000
MOST_PAGES: Final = 2_000
GARBLED: Final = 0.3
"""Share of characters that are no letters of any script: a font without a table of its letters."""
NOT_READ: Final = "The PDF can't be read: it is damaged, or takes more than it may."
FEW: Final = 10


def read_pdf(raw: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the text, its pages apart by a form feed, and what could not be read.

    Raises:
        InvalidInput: encrypted, damaged, too large, or without any text (a scan).
    """
    answer = _extracted(raw)
    if answer.get("encrypted"):
        raise InvalidInput("The PDF is encrypted with a password.")
    pages, total = answer["pages"], int(answer["total"])
    texts = ["" if _is_garbled(p["text"]) else _clean(p["text"]) for p in pages]
    unread = tuple(_unread(pages, texts))
    if answer.get("fields"):
        unread = (*unread, "The fields of its form hold values that were not read.")
    if len(pages) < total:
        unread = (*unread, f"Pages {len(pages) + 1} to {total} were not read: there are too many.")
    if not any(t.strip() for t in texts):
        scan = " It is a scan." if any(p.get("picture") for p in pages) else ""
        raise InvalidInput(f"The PDF has no text layer.{scan}")
    return "\f".join(texts), unread


def _extracted(raw: bytes) -> dict[str, Any]:
    bounds = map(str, (CPU_SEC, MEMORY_BYTES, MOST_PAGES, MAX_CHARACTERS))
    try:
        # -I: neither this folder nor the environment can replace what it imports
        done = subprocess.run(  # noqa: S603  # our own file, no word from outside
            [sys.executable, "-I", str(CHILD), *bounds],
            input=raw,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=WALL_SEC,
            check=False,
            cwd="/",
        )
        answer = json.loads(done.stdout) if done.returncode == 0 else None
    except (subprocess.TimeoutExpired, ValueError):
        answer = None
    if not isinstance(answer, dict):
        raise InvalidInput(NOT_READ)
    return answer


def _clean(text: str) -> str:
    """Blank what no text holds; a page has no form feed of its own."""
    return "".join(
        " " if c == "\f" or (unicodedata.category(c) in ("Cc", "Cs") and c not in "\t\n\r") else c
        for c in text
    )


def _is_garbled(text: str) -> bool:
    shown = [c for c in text if not c.isspace()]
    strange = sum(unicodedata.category(c) in ("Cc", "Co", "Cn") or c == "\ufffd" for c in shown)
    return strange > GARBLED * len(shown)


def _unread(pages: Sequence[dict[str, Any]], texts: Sequence[str]) -> list[str]:
    empty = [(i, p) for i, (p, t) in enumerate(zip(pages, texts, strict=True), 1) if not t.strip()]
    kinds = {
        "could not be read: damaged": [i for i, p in empty if p.get("broken")],
        "have letters that can't be told": [i for i, p in empty if p["text"].strip()],
        "hold no text: a scan": [i for i, p in empty if p.get("picture")],
    }
    return [f"Pages that {why}: {_numbers(found)}." for why, found in kinds.items() if found]


def _numbers(found: Sequence[int]) -> str:
    shown = ", ".join(map(str, found[:FEW]))
    return shown if len(found) <= FEW else f"{shown} and {len(found) - FEW} more"
