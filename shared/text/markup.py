"""The text of an HTML note, each character at its own place (pure).

It follows the WHATWG HTML standard, section 13.2.5, as far as text depends on it. Every step moves
on and none looks at the same stretch twice: the standard library's parser needs minutes for 200 kB
of `<a <a <a`.
"""

import html
import re
import unicodedata
from typing import Final

from shared.errors import InvalidInput

MARK: Final = re.compile(
    r"<(?:!--|[!?]|/?(?P<tag>[A-Za-z][^\s<>/]*+)|/)"
    r"|&(?:#(?:[xX][0-9A-Fa-f]++|[0-9]++)|[A-Za-z][A-Za-z0-9]*+);?"
)
COMMENT_END: Final = re.compile(r"(?<=<!--)-?>|--!?>")
TAG_END: Final = re.compile(r"""(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+(?P<end>>)""")
UNSEEN: Final = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in ("script", "style", "title")
}
TAGS: Final = "br p div li tr ul ol table h1 h2 h3 h4 h5 h6 section hr td th"
BREAKS: Final = frozenset(TAGS.split())
MAX_NUMBER: Final = 12
"""Characters of `&#x10FFFF;`, and two zeros before it."""


def strip_markup(source: str) -> str:
    """Return the text, as long as its source: markup becomes spaces.

    A block's tag begins with a line break; `head` is hidden by what is in it.

    Raises:
        InvalidInput: it ends within a comment, a tag or an element that is not shown, so that
            nobody can tell what is text.
    """
    sheet = ["\n" if c == "\n" else " " for c in source]
    last, at = source.rfind(">"), 0
    while mark := MARK.search(source, at):
        start, end = mark.span()
        sheet[at:start] = source[at:start]
        if mark[0].startswith("&"):
            sheet[start:end] = _character(mark[0])
        elif start > last:
            # Nothing closes any more: a bare `<`.
            sheet[start] = "<"
            end = start + 1
        else:
            end = _skipped(source, mark)
            if (mark["tag"] or "").lower() in BREAKS:
                sheet[start] = "\n"
        at = end
    sheet[at:] = source[at:]
    return "".join(sheet)


def _skipped(source: str, mark: re.Match[str]) -> int:
    """Return the place of the next text, after a comment, tag or hidden element."""
    if mark[0] == "<!--":
        return _after(COMMENT_END.search(source, mark.end()), "a comment")
    if mark["tag"] is None:
        return source.index(">", mark.start()) + 1
    tag = TAG_END.match(source, mark.end())
    end = _after(tag, "a tag")
    name = mark["tag"].lower()
    if name not in UNSEEN or mark[0].startswith("</") or source[end - 2] == "/":
        return end
    close = UNSEEN[name].search(source, end)
    _after(close, f"`{name}`")
    assert close is not None
    return _after(TAG_END.match(source, close.end()), "a tag")


def _after(found: re.Match[str] | None, what: str) -> int:
    if found is None:
        raise InvalidInput(f"The note's HTML ends within {what}.")
    return found.end()


def _character(reference: str) -> str:
    """Return the character of a reference, filled up with spaces.

    It is a space for what no text holds; of an unknown name the letters themselves.
    """
    if reference.startswith("&#") and len(reference) > MAX_NUMBER:
        return " " * len(reference)

    meant = html.unescape(reference)
    shown = [" " if unicodedata.category(c)[0] in "CZ" else c for c in meant]
    return "".join(shown).ljust(len(reference))
