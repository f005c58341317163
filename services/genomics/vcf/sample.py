"""The sample's column of a VCF line (pure).

Its genotype in one spelling, and whether its own filter, depth and quality let it count.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

GENOTYPE = re.compile(
    rb"[/|]?(\d{1,3}|\.)([/|](\d{1,3}|\.))*"
)  # VCF 4.4, section 1.6.2: the phase of the first allele may lead
NUMBER = re.compile(
    rb"\d+(\.\d*)?([eE][-+]?\d{1,3})?"
)  # DP and GQ are integers by the specification; callers write `5.2` too
PASSED = (b"PASS", b".", b"")
MISSING = (b".", b"")
LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Sample:
    """What the column says.

    Attributes:
        genotype: `0/1` or `0|1`, without the leading phase of VCF 4.4; None where it is malformed.
        depth: DP, or None.
        phase_set: PS, `.` where it is not given.
        good: no filter of its own (FT) failed, and neither depth nor genotype quality is under its
            least value or unreadable.
    """

    genotype: bytes | None
    depth: int | None
    phase_set: bytes
    good: bool


def read_sample(keys: bytes, column: bytes, min_depth: int, min_quality: int) -> Sample:
    """The column, by the keys of FORMAT.

    A gVCF block's depth is that of its worst base (MIN_DP); GATK writes a reference genotype's
    quality as RGQ.
    """
    values = dict(zip(keys.split(b":"), column.split(b":"), strict=False))
    depths = [values.get(key, b".") for key in (b"DP", b"MIN_DP")]
    qualities = [values.get(key, b".") for key in (b"GQ", b"RGQ")]
    good = (
        values.get(b"FT", b".") in PASSED
        and all(_enough(d, min_depth) for d in depths)
        and all(_enough(q, min_quality) for q in qualities)
    )
    return Sample(_genotype(values), _depth(depths[0]), values.get(b"PS", b".") or b".", good)


def _enough(value: bytes, least: int) -> bool:
    """What is not given is not held against the genotype; what can't be read is."""
    return value in MISSING or (NUMBER.fullmatch(value) is not None and float(value) >= least)


def _depth(value: bytes) -> int | None:
    return int(min(float(value), LARGEST)) if NUMBER.fullmatch(value) else None


def _genotype(values: Mapping[bytes, bytes]) -> bytes | None:
    written = values.get(b"GT", b".")
    if not GENOTYPE.fullmatch(written):
        return None
    alleles = written.lstrip(b"/|")
    if _copies_differ(values.get(b"CN", b".")) and not alleles.strip(b"0./|"):
        # `0/0` or `./.` beside one copy, or three: the variant is there, on how many chromosomes is
        # not said
        return b"./1"
    return (
        alleles.replace(b"|", b"/") if b"/" in written else alleles
    )  # phased only where every allele is


def _copies_differ(value: bytes) -> bool:
    """CN other than two; every gene that is called lies on an autosome."""
    return NUMBER.fullmatch(value) is not None and float(value) != 2
