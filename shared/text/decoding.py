"""From the bytes of a note to its text (pure).

Raises InvalidInput, which names what is wrong and quotes nothing.
"""

import codecs
import re
import unicodedata
from email.message import Message
from typing import Final

from shared.errors import InvalidInput
from shared.text.markup import strip_markup

PLAIN, HTML = "text/plain", "text/html"
MAX_CHARACTERS: Final = 200_000
MAX_BYTES: Final = 4 * MAX_CHARACTERS
"""UTF-8 needs at most four bytes for a character."""
HALF: Final = re.compile("[\ud800-\udfff]")
NOT_OF_TEXTS: Final = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}
)
"""Python's own codecs; the first two need minutes."""


def media_type(content_type: str) -> str:
    """Return `text/plain` of `text/plain; charset=utf-8`."""
    return content_type.split(";", 1)[0].strip().lower()


def decode(raw: bytes, content_type: str) -> str:
    """Read the note's text.

    Raises:
        InvalidInput: empty, too long, not text, or not of the charset that its type names.
    """
    # Half a surrogate pair is no Unicode: nothing could write it again.
    text = HALF.sub("\ufffd", _characters(raw, content_type))
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(f"The note is longer than {MAX_CHARACTERS} characters.")
    if media_type(content_type) == HTML:
        text = strip_markup(text)
    if not text.strip():
        raise InvalidInput("The note holds no text.")
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
            return raw.decode(_text_codec(charset))
        return raw.decode("utf-8-sig")
    except LookupError:
        raise InvalidInput("The attachment names a charset that is not known.") from None
    except UnicodeError:
        named = "the charset that it names" if charset else "UTF-8"
        raise InvalidInput(f"The attachment is not a text in {named}.") from None


def _text_codec(charset: str) -> str:
    """Return Python's name for the charset; LookupError unless it is one of texts."""
    name = codecs.lookup(charset.encode("ascii", "replace").replace(b"\0", b"?").decode()).name
    if name.replace("-", "_") in NOT_OF_TEXTS:
        raise LookupError(name)
    return name
