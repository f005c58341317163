"""Bytes of a plain, gzip or bgzip file, piece by piece, bounded (pure)."""

import zlib
from collections.abc import Iterator

from shared.errors import InvalidInput

PIECE = 1 << 20
MAX_RATIO = 100  # bgzip reaches 20 to 30 on a gVCF
RATIO_FREE = 1 << 24  # a small file may compress as well as it likes
BGZF_END = bytes.fromhex(
    "1f8b08040000000000ff0600424302001b0003000000000000000000"
)  # SAM/BAM specification, section 4.1.2


def decompressed(raw: bytes) -> Iterator[bytes]:
    """Pieces of at most 1 MB.

    Raises:
        InvalidInput: truncated, damaged, or compressed more than a genome can be.
    """
    if not raw.startswith(b"\x1f\x8b"):
        yield from (raw[i : i + PIECE] for i in range(0, len(raw), PIECE))
        return
    if raw[12:14] == b"BC" and not raw.endswith(BGZF_END):
        raise InvalidInput("The VCF is truncated: its bgzip end-of-file block is missing.")
    total = 0
    for piece in _members(memoryview(raw)):
        total += len(piece)
        if total > max(RATIO_FREE, MAX_RATIO * len(raw)):
            raise InvalidInput(f"The VCF is compressed more than {MAX_RATIO}:1.")
        yield piece


def _members(raw: memoryview) -> Iterator[bytes]:
    """Every gzip member in turn.

    Compressed bytes are fed in small slices, so that what is left over is never copied whole.
    """
    member, place = zlib.decompressobj(31), 0
    while True:
        feed = member.unconsumed_tail or raw[place : place + (PIECE >> 4)]
        if not member.unconsumed_tail:
            place += len(feed)
        try:
            piece = member.decompress(feed, PIECE)
        except zlib.error:
            raise InvalidInput("The VCF's gzip stream is damaged.") from None
        if piece:
            yield piece
        if member.eof:
            place -= len(member.unused_data)
            if place >= len(raw) or not any(raw[place : place + PIECE]):
                return
            member = zlib.decompressobj(31)
        elif not feed and not piece:
            raise InvalidInput("The VCF is truncated: its gzip stream ends early.")
