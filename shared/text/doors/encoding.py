"""From bytes to characters, as browsers read them.

A byte order mark is believed first, then UTF-8 that is valid and more than ASCII, then what the
document says of itself (`meta`, the XML declaration), then what its label says, then UTF-8. Names
mean what the WHATWG's Encoding Standard says: Latin-1 is windows-1252. A wrong name loses no note:
what remains is read as windows-1252, and that is told.
"""

import codecs
import re
from collections.abc import Iterator
from email.message import Message
from typing import Any, Final

HALF: Final = re.compile("[\ud800-\udfff]")
LOOKED_AT: Final = 4_096
META: Final = re.compile(
    rb"""<(?:meta\s[^<>]{0,200}?charset|\?xml\s[^<>]{0,200}?encoding)\s*=\s*["']?\s*([\w.:-]{1,40})""",
    re.IGNORECASE,
)
MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LAST: Final = "windows-1252"
DAMAGED: Final = 8
"""Whole characters of UTF-8 for each broken one: more broken ones are another encoding."""


def characters(raw: bytes, content_type: str) -> tuple[str, tuple[str, ...]]:
    """Decode the bytes of a text.

    Returns:
        The text without a byte order mark, and what was guessed, a sentence each.
    """
    text, doubts = _decoded(raw, content_type)
    # half a surrogate pair is no Unicode: nothing could write it again
    return HALF.sub("\ufffd", text), doubts


def _decoded(raw: bytes, content_type: str) -> tuple[str, tuple[str, ...]]:
    for mark, codec in MARKS:
        if raw.startswith(mark):
            return raw.decode(codec, "replace"), ()
    if (wide := _wide(raw)) is not None:
        return raw.decode(wide, "replace"), ()
    if not raw.isascii() and (text := _strict(raw, "utf-8")) is not None:
        return text, ()

    names = list(_named(raw, content_type))
    known = [e.name for e in map(_encoding, names) if e and e.name != "replacement"]
    doubts = () if len(known) == len(names) else ("It names a character set that is not known.",)
    for name in dict.fromkeys((*known, "utf-8")):
        # any even number of ASCII letters would be some Chinese ones
        if name.startswith("utf-16") and raw.isascii() and b"\0" not in raw:
            continue
        if (text := _strict(raw, name)) is not None:
            return text, doubts
    return _guessed(raw, doubts)


def _named(raw: bytes, content_type: str) -> Iterator[str]:
    """Yield the names that the document and its label give its encoding."""
    if found := META.search(raw[:LOOKED_AT]):
        name = found[1].decode("ascii", "replace")
        # it could not have been read if it were UTF-16
        yield "utf-8" if name.lower().startswith(("utf-16", "utf-32")) else name
    declared = Message()
    declared["content-type"] = content_type.replace("\r", " ").replace("\n", " ")
    charset = declared.get_param("charset", "")
    # of `charset*=` it is a triple
    if name := (charset[2] if isinstance(charset, tuple) else str(charset)).strip():
        yield name


def _strict(raw: bytes, name: str) -> str | None:
    if name == LAST:
        return _windows(raw)
    encoding = _encoding(name)
    assert encoding is not None
    try:
        return str(encoding.codec_info.decode(raw, "strict")[0])
    except UnicodeError:
        return None


def _encoding(name: str) -> Any:
    """Return what the standard means by a name; None: it knows none."""
    # of an extra, and every service's declaration is imported without any
    import webencodings

    return webencodings.lookup(name)


def _guessed(raw: bytes, doubts: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    text = raw.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if sum(c > "\x7f" for c in text) - broken > DAMAGED * broken:
        return text, (*doubts, "Some of its characters are damaged.")
    guess = "It is no UTF-8 and was read as windows-1252."
    return _windows(raw), (*doubts, guess)


def _windows(raw: bytes) -> str:
    """Decode windows-1252; the five bytes without a character become U+FFFD."""
    return raw.decode("cp1252", "replace")


def _wide(raw: bytes) -> str | None:
    """Tell UTF-16 without a mark by the NULs of its ASCII; None: it is none."""
    head = raw[:1_000]
    half = len(head) // 2
    if half < 2 or head.count(0) < half // 2:
        return None
    if head[1::2].count(0) > half * 0.6 and head[::2].count(0) <= half * 0.05:
        return "utf-16-le"
    if head[::2].count(0) > half * 0.6 and head[1::2].count(0) <= half * 0.05:
        return "utf-16-be"
    return None
