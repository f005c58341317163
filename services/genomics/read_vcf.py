"""From a VCF's bytes to the records that touch the seven genes, and the quality control on the way.

The bytes are streamed: what is kept is only what touches a gene, so that neither a whole genome nor
a decompression bomb fills the memory.
scikit-allel parses what is kept (its import is slow, hence late). Error messages name a line, never
a value.
"""

import io
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from services.genomics.codes import ACCESSION
from services.genomics.decompress import decompressed
from services.genomics.domain import Record
from services.genomics.header import Header
from services.genomics.sample import read_sample
from services.genomics.tables import Tables
from shared.errors import InvalidInput

MAX_BYTES = 1 << 29  # decompressed; a gVCF of the genes' chromosomes is far smaller
MAX_LINE = 1 << 20
MAX_RECORDS = 200_000
MARGIN = (
    50  # bases around a position: how far an insertion or deletion may be shifted in its repeat
)
MAX_ALTS = 16

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
KEPT_HEADER = b"""##fileformat=VCFv4.2
##FILTER=<ID=PASS,Description="All filters passed">
##INFO=<ID=END,Number=1,Type=Integer,Description="Last position of the block">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Read depth">
##FORMAT=<ID=PS,Number=1,Type=String,Description="Phase set">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tsample
"""


@dataclass(frozen=True)
class Vcf:
    """What was read: the SHA-256 (hex) of the decompressed bytes, and the records of the genes."""

    digest: str
    records: tuple[Record, ...]


def read_vcf(raw: bytes, tables: Tables) -> Vcf:
    """The records of the genes in a VCF, plain, gzip or bgzip.

    Raises:
        InvalidInput: not a VCF, truncated, too large when decompressed, or a malformed line (its
            number is named).
        NotAnalysed: no sample or several, or not GRCh38.
    """
    positions, digest, header, kept = _positions(tables), sha256(), Header(), [KEPT_HEADER]
    for number, line in _lines(_hashed(decompressed(raw), digest.update)):
        if line.startswith(b"#"):
            header = header.read(number, line)
            if header.columns:
                header.check()  # before a whole genome of another build is read
            continue
        if not header.columns:
            header.read(number, line)
            raise InvalidInput(f"Line {number} of the VCF is a data line before the `#CHROM` line.")
        if line and (fields := _near(header.columns, positions, number, line)):
            kept.append(_kept(number, fields, tables))
        if len(kept) > MAX_RECORDS:
            raise InvalidInput(
                f"The VCF holds more than {MAX_RECORDS} lines about the genes that are called."
            )
    header.check()
    return Vcf(digest.hexdigest(), _parse(b"".join(kept)) if len(kept) > 1 else ())


def _positions(tables: Tables) -> dict[bytes, list[int]]:
    """Chromosome, in each of its spellings -> the positions that define alleles, ascending."""
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


def _lines(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Numbered lines without their ends; bounded in length and in total."""
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


def _near(
    columns: int, wanted: Mapping[bytes, list[int]], number: int, line: bytes
) -> list[bytes] | None:
    """The fields of a line that touches a position that defines an allele, None for another one.

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
    """The last base: END, or, of a structural variant, what its length says (VCF 4.4 lets END go);
    0 where INFO has neither.
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


def _kept(number: int, fields: list[bytes], tables: Tables) -> bytes:
    """The line as scikit-allel shall read it: only the fields that are used, and those checked."""
    name, position, _, ref, alt, _, filters, info, keys, sample = fields[:10]
    called = read_sample(keys, sample, tables.min_depth, tables.min_quality)
    alternatives = _alternatives(alt, info, keys)
    if not BASES.fullmatch(ref) or not all(
        ALTERNATIVE.fullmatch(a) for a in alternatives
    ):  # an empty one would shift the numbers of those after it
        raise InvalidInput(f"Line {number} of the VCF has no valid REF or ALT.")
    alts = len(alternatives)
    if not PHASE_SET.fullmatch(called.phase_set):
        raise InvalidInput(f"Line {number} of the VCF has no valid phase set.")
    if called.genotype is None or any(int(a) > alts for a in DIGITS.findall(called.genotype)):
        raise InvalidInput(f"Line {number} of the VCF has no valid genotype.")
    if alts > MAX_ALTS:
        raise InvalidInput(
            f"Line {number} of the VCF has more than {MAX_ALTS} alternative alleles."
        )
    end = _end(int(position), alt, info)
    passed = b"PASS" if filters in (b"PASS", b".", b"0", b"") and called.good else b"failed"
    depth = b"." if called.depth is None else b"%d" % called.depth
    cells = [
        _chromosome(name),
        position,
        b".",
        ref.upper(),
        b",".join(alternatives) or b".",
        b".",
        passed,
        b"END=%d" % end,
        b"GT:DP:PS",
    ]
    return b"\t".join([*cells, b":".join([called.genotype, depth, called.phase_set])]) + b"\n"


def _parse(text: bytes) -> tuple[Record, ...]:
    import allel

    fields = [
        "CHROM",
        "POS",
        "REF",
        "ALT",
        "FILTER_PASS",
        "END",
        "calldata/GT",
        "calldata/DP",
        "calldata/PS",
    ]
    types = {"calldata/GT": "object", "calldata/PS": "object", "calldata/DP": "i4"}
    read = allel.read_vcf(
        io.BytesIO(text),
        fields=fields,
        types=types,
        numbers={"calldata/GT": 1},
        alt_number=MAX_ALTS,
    )
    columns = [
        read[f"variants/{name}"].tolist()
        for name in ("CHROM", "POS", "END", "REF", "ALT", "FILTER_PASS")
    ]
    genotypes, depths, sets = (read[f"calldata/{name}"].tolist() for name in ("GT", "DP", "PS"))
    return tuple(
        Record(
            chromosome=chromosome,
            position=position,
            end=max(end, position + len(ref) - 1),
            ref=ref,
            alts=tuple(a for a in alts if a),
            genotype=tuple(int(a) if a.isdigit() else -1 for a in SEPARATOR.split(genotype[0])),
            phased="|" in genotype[0],
            phase_set=phase_set[0],
            usable=passed,
            depth=depth[0] if depth[0] >= 0 else None,
        )
        for chromosome, position, end, ref, alts, passed, genotype, depth, phase_set in zip(
            *columns, genotypes, depths, sets, strict=True
        )
    )
