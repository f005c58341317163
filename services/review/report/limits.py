"""The limits of a model, as its card states them (pure).

They stand in the card under a heading with the word "limits"; careloop's own cards have one.
"""

from typing import Final

from markdown_it.token import Token

from services.review.result.evidence import MARKDOWN

WORD: Final = "limits"


def limits_in(card: str) -> list[str]:
    """List what stands below such headings; empty where the card has none."""
    found: list[str] = []
    level, inside = 0, 0  # of the heading that we read, and of the one that we are below; 0: none
    for token in MARKDOWN.parse(card):
        if token.type == "heading_open":
            level = int(token.tag.removeprefix("h"))
        elif token.type == "heading_close":
            level = 0
        elif token.type != "inline":
            continue
        elif level and (not inside or level <= inside):
            inside = level if WORD in token.content.casefold() else 0
        elif inside:
            found.append(_words(token))
    return [words for words in found if words]


def _words(token: Token) -> str:
    """Return the words without their marks."""
    breaks = {"softbreak": " ", "hardbreak": " "}
    parts = (breaks.get(child.type, child.content) for child in token.children or ())
    return " ".join("".join(parts).split())
