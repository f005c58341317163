"""The gzip of a body, unpacked whole (pure)."""

import zlib
from typing import Final

GZIP: Final = 16 + zlib.MAX_WBITS
UNLIMITED: Final = 1 << 40


class BadBody(Exception):
    """The body does not unpack, or a part of it is missing."""


def ungzipped(body: bytes, encoding: str, at_most: int | None = None) -> bytes:
    """Unpack a body of this Content-Encoding.

    Args:
        at_most: bytes to unpack; what is larger ends one byte later.

    Raises:
        BadBody: it is no gzip, ends early, or is packed in another way, which nobody asked for.
    """
    name = encoding.strip().lower()
    if name in ("", "identity") or not body:
        return body
    if name not in ("gzip", "x-gzip"):
        raise BadBody("a Content-Encoding that nobody asked for")

    parts, room = [], UNLIMITED if at_most is None else at_most + 1
    while body and room:
        unpacked, body = _member(body, room)
        parts.append(unpacked)
        room -= len(unpacked)
    return b"".join(parts)


def _member(body: bytes, room: int) -> tuple[bytes, bytes]:
    """Unpack the first member; return it with the bytes after it."""
    unpack = zlib.decompressobj(GZIP)
    try:
        found = unpack.decompress(body, room)
    except zlib.error as error:
        raise BadBody("no gzip") from error
    if not unpack.eof and len(found) < room:
        raise BadBody("gzip that ends early")
    return found, unpack.unused_data
