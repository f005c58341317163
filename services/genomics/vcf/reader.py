"""From a VCF's bytes to the records that touch the genes, read once, as a stream.

Kept is only what touches a gene, so that neither a whole genome nor a decompression bomb fills the
memory. Error messages name a line, never a value.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from services.genomics.domain import Record
from services.genomics.pgx.tables import Tables
from services.genomics.report.codes import ACCESSION
from services.genomics.vcf.decompress import decompressed
from services.genomics.vcf.header import Header
from services.genomics.vcf.lines import numbered_lines
from services.genomics.vcf.sample import Sample, read_sample
from shared.errors import InvalidInput

MAX_RECORDS = 200_000
MARGIN = (
    50  # bases around a position: how far an insertion or deletion may be shifted in its repeat
)
MAX_ALTS = 16
PASSED = (b"PASS", b".", b"0", b"")
"""FILTER of a record that counts; older writers put `0` for it."""

BASES = re.compile(rb"[ACGTNacgtn]+")
ALTERNATIVE = re.compile(
    rb"[A-Za-z]+|\*|<[!-;=?-~]+>"
)  # VCF 4.3, section 1.6.1: bases, a base that is deleted upstream, a name
BREAKEND = re.compile(rb"[!-~]*[\[\]][!-~]*|\.[A-Za-z]+|[A-Za-z]+\.")
PHASE_SET = re.compile(rb"[!-~]+")
DIGITS = re.compile(rb"\d+")
SEPARATOR = re.compile(r"[/|]")
END = re.compile(rb"(?:^|(?<=;))END=(\d{1,9})")
SVLEN = re.compile(rb"(?:^|(?<=;))SVLEN=(-?\d{1,9}(?:,-?\d{1,9}){0,15})(?:;|$)")
SVTYPE = re.compile(rb"(?:^|;)SVTYPE=")
STRUCTURAL = re.compile(
    rb"<(DEL|DUP|INV|CN)"
)  # SVLEN of an insertion is not a length on the reference
ACCESSIONS = {accession.encode(): name.encode() for name, accession in ACCESSION.items()}


@dataclass(frozen=True)
class Vcf:
    """What was read.

    The SHA-256 (hex) of the decompressed bytes, and the records of the genes.
    """

    digest: str
    records: tuple[Record, ...]


def read_vcf(raw: bytes, tables: Tables) -> Vcf:
    """Read the records of the genes from a VCF, plain, gzip or bgzip.

    Raises:
        InvalidInput: not a VCF, truncated, too large when decompressed, or a malformed line (its
            number is named).
        NotAnalysed: no sample or several, or not GRCh38.
    """
    digest = sha256()
    pieces = _hashed(decompressed(raw), digest.update)
    records = tuple(_limited(_records(numbered_lines(pieces), tables)))
    return Vcf(digest.hexdigest(), records)


def _records(lines: Iterable[tuple[int, bytes]], tables: Tables) -> Iterator[Record]:
    """Yield the records that touch a gene, as the lines are read."""
    positions, header = _positions(tables), Header()
    for number, line in lines:
        if line.startswith(b"#"):
            header = header.read(number, line)
            if header.columns:
                header.check()  # before a whole genome of another build is read
            continue

        if not header.columns:
            header.read(number, line)
            raise InvalidInput(f"Line {number} of the VCF is a data line before the `#CHROM` line.")
        if line and (fields := _near(header.columns, positions, number, line)):
            yield _record(number, fields, tables)
    header.check()


def _limited(records: Iterable[Record]) -> Iterator[Record]:
    for count, record in enumerate(records, start=1):
        if count >= MAX_RECORDS:
            raise InvalidInput(
                f"The VCF holds more than {MAX_RECORDS} lines about the genes that are called."
            )
        yield record


def _positions(tables: Tables) -> dict[bytes, list[int]]:
    """Return the positions of alleles, by each spelling of a chromosome."""
    positions: dict[bytes, set[int]] = {}
    for gene in tables.genes:
        positions.setdefault(gene.chromosome.encode(), set()).update(
            site.position for site in gene.sites
        )
    return {
        name: sorted(found)
        for chromosome, found in positions.items()
        for name in _spellings(chromosome)
    }


def _spellings(chromosome: bytes) -> list[bytes]:
    return [
        chromosome,
        b"chr" + chromosome,
        b"Chr" + chromosome,
        b"CHR" + chromosome,
        ACCESSION[chromosome.decode()].encode(),
    ]


def _hashed(pieces: Iterator[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for piece in pieces:
        update(piece)
        yield piece


def _near(
    columns: int, wanted: Mapping[bytes, list[int]], number: int, line: bytes
) -> list[bytes] | None:
    """The fields of a line that touches a position that defines an allele.

    None for another one.

    Every line must have the header's columns.
    """
    if line.count(b"\t") != columns - 1:
        raise InvalidInput(
            f"Line {number} of the VCF has not the {columns} columns of its header: the file is "
            "damaged or truncated."
        )
    positions = wanted.get(line[: line.index(b"\t")])
    if positions is None:
        return None
    position = line.split(b"\t", 2)[1]
    if not position.isdigit() or len(position) > 9:
        raise InvalidInput(f"Line {number} of the VCF has no valid position.")
    start = int(position)
    if start > positions[-1] + MARGIN:
        return None
    fields = line.split(b"\t")
    end = max(start + len(fields[3]) - 1, _end(start, fields[4], fields[7]))
    following = bisect_left(positions, start - MARGIN)
    return fields if following < len(positions) and positions[following] <= end + MARGIN else None


def _chromosome(name: bytes) -> bytes:
    """`10` of `chr10`, `10` or `NC_000010.11`."""
    if name.startswith(b"NC_"):
        return ACCESSIONS.get(name, b"")
    return name[3:] if name[:3].lower() == b"chr" else name


def _end(start: int, alt: bytes, info: bytes) -> int:
    """Return the last base, 0 where INFO has none.

    END or, of a structural variant, what its length says (VCF 4.4 lets END go).
    """
    found = END.search(info)
    length = SVLEN.search(info) if STRUCTURAL.search(alt) else None
    lengths = [int(n) for n in DIGITS.findall(length[1])] if length else []
    return max([int(found[1]) if found else 0, *(start + n for n in lengths)])


def _alternatives(alt: bytes, info: bytes, keys: bytes) -> list[bytes]:
    """The alleles.

    A line without one that speaks of copy number is no reference block: its 0/0 says that two
    copies are there, not what they hold.
    """
    if alt == b".":
        return [b"<CNV>"] if SVTYPE.search(info) or b"CN" in keys.split(b":") else []
    return [b"<BND>" if BREAKEND.fullmatch(a) else a for a in alt.split(b",")]


def _record(number: int, fields: list[bytes], tables: Tables) -> Record:
    """Return the record of a line, each field checked."""
    name, position, _, ref, alt, _, filters, info, keys, sample = fields[:10]
    called = read_sample(keys, sample, tables.min_depth, tables.min_quality)
    alternatives = _alternatives(alt, info, keys)
    _check(number, ref, alternatives, called)
    assert called.genotype is not None  # _check

    start = int(position)
    genotype = called.genotype.decode()
    return Record(
        chromosome=_chromosome(name).decode(),
        position=start,
        end=max(_end(start, alt, info), start + len(ref) - 1),
        ref=ref.upper().decode(),
        alts=tuple(a.decode() for a in alternatives),
        genotype=tuple(int(a) if a.isdigit() else -1 for a in SEPARATOR.split(genotype)),
        phased="|" in genotype,
        phase_set=called.phase_set.decode(),
        usable=filters in PASSED and called.good,
        depth=called.depth,
    )


def _check(number: int, ref: bytes, alternatives: list[bytes], called: Sample) -> None:
    """Refuse a line whose fields are not what VCF 4.x says."""
    # an empty alternative would shift the numbers of those after it
    if not BASES.fullmatch(ref) or not all(ALTERNATIVE.fullmatch(a) for a in alternatives):
        raise InvalidInput(f"Line {number} of the VCF has no valid REF or ALT.")
    if not PHASE_SET.fullmatch(called.phase_set):
        raise InvalidInput(f"Line {number} of the VCF has no valid phase set.")
    alleles = [] if called.genotype is None else DIGITS.findall(called.genotype)
    if called.genotype is None or any(int(a) > len(alternatives) for a in alleles):
        raise InvalidInput(f"Line {number} of the VCF has no valid genotype.")
    if len(alternatives) > MAX_ALTS:
        raise InvalidInput(
            f"Line {number} of the VCF has more than {MAX_ALTS} alternative alleles."
        )
