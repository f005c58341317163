"""Cut the front matter off a model card: it is for machines (pure)."""

import re
from typing import Final

FRONT_MATTER: Final = re.compile(
    r"\A\ufeff?---[ \t]*\r?\n(?=[A-Za-z_#][^\r\n]*).*?^(?:---|\.\.\.)[ \t]*\r?(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)
"""YAML between two lines of hyphens, as model hubs write it; a rule (`---`) alone is none."""


def body(card: str) -> str:
    """Return the text that people read."""
    return FRONT_MATTER.sub("", card, count=1)
