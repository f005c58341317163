"""The tags, references and texts of HTML or XML, one after another.

It follows the WHATWG HTML standard, section 13.2.5, as far as text depends on it. Every step moves
on and none looks at the same stretch twice: the standard library's parser needs minutes for 200 kB
of `<a <a <a`.
"""

import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from shared.errors import InvalidInput

MARK: Final = re.compile(
    r"<(?:!--|!\[CDATA\[|[!?]|/?(?P<prefix>[\w.-]{1,20}:)?(?P<tag>[A-Za-z][^\s<>/]*+)|/)"
    r"|&(?:#(?:[xX][0-9A-Fa-f]++|[0-9]++)|[A-Za-z][A-Za-z0-9]*+);?"
)
COMMENT_END: Final = re.compile(r"(?<=<!--)-?>|--!?>")
TAG_END: Final = re.compile(r"""(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+(?P<end>>)""")
UNSEEN: Final = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea")
}
ATTRIBUTE: Final = re.compile(
    r"""([^\s=>/"']++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"']++)))?"""
)
CDATA: Final = "<![CDATA["
MAX_NUMBER: Final = 12
"""Characters of `&#x10FFFF;`, and two zeros before it."""


class Token(NamedTuple):
    """A stretch of the source.

    Attributes:
        name: of a tag, in lower case, in XML without a namespace's prefix; empty: this is text.
        text: what is shown of it; of a tag what stands behind its name.
        spread: the text stands in the source as it is.
        is_end: it closes an element. is_empty: it closes itself.
        inside: source of an element that holds no tags (`style`).
    """

    start: int
    end: int
    name: str = ""
    text: str = ""
    spread: bool = True
    is_end: bool = False
    is_empty: bool = False
    inside: str = ""

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes of a tag, as HTML reads them: the first of a name counts."""
        found: dict[str, str] = {}
        for name, double, single, bare in ATTRIBUTE.findall(self.text):
            found.setdefault(name.lower(), html.unescape(double or single or bare))
        return found


def tokens(source: str, *, is_xml: bool = False) -> Iterator[Token]:
    """Yield tags and texts in order; comments and what is not shown yield nothing.

    Args:
        is_xml: CDATA holds text, and no element is hidden by its name.

    Raises:
        InvalidInput: it ends within a comment, a tag or an element that is not shown, so that
            nobody can tell what is text.
    """
    last, at = source.rfind(">"), 0
    while mark := MARK.search(source, at):
        start, end = mark.span()
        if start > at:
            yield Token(at, start, text=source[at:start])
        if mark[0].startswith("&"):
            yield Token(start, end, text=character(mark[0]), spread=False)
        elif start > last:
            # Nothing closes any more: a bare `<`.
            end = start + 1
            yield Token(start, end, text="<")
        elif is_xml and mark[0] == CDATA:
            end = _after(source.find("]]>", end), "a CDATA section", 3)
            yield Token(start + len(CDATA), end - 3, text=source[start + len(CDATA) : end - 3])
        elif mark["tag"] is None:
            end = _skipped(source, mark)
        else:
            token = _tag(source, mark, is_xml=is_xml)
            end = token.end
            yield token
        at = end
    if at < len(source):
        yield Token(at, len(source), text=source[at:])


def _skipped(source: str, mark: re.Match[str]) -> int:
    if mark[0] == "<!--":
        found = COMMENT_END.search(source, mark.end())
        return _after(found.end() if found else -1, "a comment")
    return source.index(">", mark.start()) + 1


def _tag(source: str, mark: re.Match[str], *, is_xml: bool) -> Token:
    tag = TAG_END.match(source, mark.end())
    end = _after(tag.end() if tag else -1, "a tag")
    # Word's HTML has o:p, which is no p
    prefix = "" if is_xml else mark["prefix"] or ""
    name, is_end = (prefix + mark["tag"]).lower(), mark[0].startswith("</")
    is_empty = source[end - 2] == "/"
    token = Token(
        mark.start(), end, name, source[mark.end() : end - 1], is_end=is_end, is_empty=is_empty
    )
    if is_xml or name not in UNSEEN or is_end or is_empty:
        return token
    close = UNSEEN[name].search(source, end)
    _after(close.end() if close else -1, f"`{name}`")
    assert close is not None
    closed = TAG_END.match(source, close.end())
    return token._replace(
        end=_after(closed.end() if closed else -1, "a tag"),
        is_empty=True,
        inside=source[end : close.start()],
    )


def _after(end: int, what: str, more: int = 0) -> int:
    if end < 0:
        raise InvalidInput(f"The note's markup ends within {what}.")
    return end + more


def character(reference: str) -> str:
    """Return the character of a reference.

    It is a space for what no text holds; of an unknown name the letters themselves.
    """
    if reference.startswith("&#") and len(reference) > MAX_NUMBER:
        return " "
    meant = html.unescape(reference)
    return "".join(" " if unicodedata.category(c)[0] in "CZ" and c != "\xad" else c for c in meant)
