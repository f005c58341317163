"""Bytes of a note -> its text (pure).

Raises InvalidInput, which names what is wrong and quotes nothing.
"""

import codecs
import unicodedata
from email.message import Message
from html.parser import HTMLParser
from typing import Final

from shared.errors import InvalidInput

PLAIN, HTML = "text/plain", "text/html"
MAX_CHARACTERS: Final = 200_000
UNSEEN: Final = frozenset({"script", "style", "head", "title"})
BREAKS: Final = frozenset({"br", "p", "div", "li", "tr", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "section", "hr", "td", "th"})


def media_type(content_type: str) -> str:
    """`text/plain` of `text/plain; charset=utf-8`."""
    return content_type.split(";", 1)[0].strip().lower()


def decode(raw: bytes, content_type: str) -> str:
    """The note's text.

    Raises:
        InvalidInput: empty, too long, not text, or not of the charset that its type names.
    """
    text = _characters(raw, content_type)
    if media_type(content_type) == HTML:
        text = strip_markup(text)
    if not text.strip():
        raise InvalidInput("The note holds no text.")
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(f"The note is longer than {MAX_CHARACTERS} characters.")
    if any(unicodedata.category(c) == "Cc" and c not in "\t\n\r\f\v\x85" for c in set(text)):
        raise InvalidInput("The attachment holds control characters: it is not a text.")
    return text


def _characters(raw: bytes, content_type: str) -> str:
    declared = Message()
    declared["content-type"] = content_type
    charset = str(declared.get_param("charset", "")).strip().lower()
    try:
        if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return raw.decode("utf-16")
        if charset and charset not in ("utf-8", "utf8", "us-ascii", "ascii"):
            return raw.decode(charset)
        return raw.decode("utf-8-sig")
    except LookupError:
        raise InvalidInput("The attachment names a charset that is not known.") from None
    except UnicodeError:
        named = "the charset that it names" if charset else "UTF-8"
        raise InvalidInput(f"The attachment is not a text in {named}.") from None


def strip_markup(html: str) -> str:
    """The text of an HTML note, as long as the HTML: markup becomes spaces, a block's tag begins with a line break."""
    return _Blanking(html).blanked()


class _Blanking(HTMLParser):
    """Copies the text of a document onto a blank sheet of its size, each character at its own place."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self._source = source
        self._sheet = ["\n" if c == "\n" else " " for c in source]
        self._lines = [0]
        for at, character in enumerate(source):
            if character == "\n":
                self._lines.append(at + 1)
        self._hidden = 0

    def blanked(self) -> str:
        self.feed(self._source)
        self.close()
        return "".join(self._sheet)

    def _place(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def _write(self, text: str) -> None:
        if not self._hidden:
            at = self._place()
            self._sheet[at : at + len(text)] = text

    def handle_data(self, data: str) -> None:
        self._write(data)

    def handle_entityref(self, name: str) -> None:
        known = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
        self._write(known.get(name, " "))

    def handle_charref(self, name: str) -> None:
        number = int(name[1:], 16) if name[:1] in "xX" else int(name)
        self._write(chr(number) if 32 <= number < 0x110000 else " ")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._break(tag)
        self._hidden += tag in UNSEEN

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._break(tag)
        self._hidden = max(0, self._hidden - (tag in UNSEEN))

    def _break(self, tag: str) -> None:
        if tag in BREAKS:
            self._sheet[self._place()] = "\n"
