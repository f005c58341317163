"""Numbered lines of a stream of bytes, bounded in length and in total (pure)."""

from collections.abc import Iterator

from shared.errors import InvalidInput

MAX_BYTES = 1 << 29  # decompressed; a gVCF of the genes' chromosomes is far smaller
MAX_LINE = 1 << 20


def numbered_lines(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield numbered lines without their ends.

    Raises:
        InvalidInput: a line, or the whole, is too long.
    """
    number, total, tail = 0, 0, b""
    for piece in pieces:
        total += len(piece)
        if total > MAX_BYTES:
            raise InvalidInput(
                f"The VCF is larger than {MAX_BYTES >> 20} MB when decompressed: send the regions "
                "of the genes."
            )
        *whole, tail = (tail + piece).split(b"\n")
        for line in whole:
            number += 1
            yield number, line.rstrip(b"\r")
        if len(tail) > MAX_LINE:
            raise InvalidInput(f"Line {number + 1} of the VCF is longer than {MAX_LINE >> 20} MB.")
    if tail:
        yield number + 1, tail.rstrip(b"\r")
