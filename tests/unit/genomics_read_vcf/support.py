"""What the tests of genomics read vcf share."""

import struct
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import strategies as st

from services.genomics.domain import Record
from services.genomics.pgx.tables import load_tables
from services.genomics.vcf.decompress import BGZF_END
from services.genomics.vcf.reader import read_vcf
from shared.errors import InvalidInput, NotAnalysed

LINE = "chr10 94781859 rs4244285 G A . PASS . GT 0/1"


def bgzip(raw: bytes, size: int = 4096) -> bytes:
    """As htslib writes it: gzip members with their own length in an extra field, and an empty one
    at the end.
    """
    blocks = []
    for start in range(0, len(raw), size):
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        piece = raw[start : start + size]
        body = deflate.compress(piece) + deflate.flush()
        head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", len(body) + 25)
        blocks.append(head + body + struct.pack("<II", zlib.crc32(piece), len(piece)))
    return b"".join([*blocks, BGZF_END])


def read(raw: bytes) -> tuple[Record, ...]:
    return read_vcf(raw, load_tables()).records


def refused(raw: bytes, kind: type[NotAnalysed] = InvalidInput) -> str:
    with pytest.raises(kind) as error:
        read(raw)
    assert type(error.value) is kind
    return error.value.reason


GENOTYPES = [
    "0/0",
    "1|1",
    "0/1/1",
    "|",
    "0|",
    "0/1:-5",
    "0/1:1.5:99:x",
    "0/1:9999999999:9999999999",
    "0/1:30:40:a b",
]


OTHERS = [
    "",
    "0",
    ".",
    "-1",
    " 1",
    "é",
    "\x00",
    "\xb2",
    "A",
    "A,C",
    "A,,C",
    "<DEL>",
    "*",
    "END=0",
    "END=5;END=7",
    "GT",
    "DP:GT",
    "GT:GT",
    "chr10",
    "NC_x",
]


CELLS = st.sampled_from([*GENOTYPES, *OTHERS, "9" * 20, "A" * 999, "A," * 20 + "A"])


BOMB = """
import resource, sys, zlib
from services.genomics.vcf.reader import read_vcf
from services.genomics.pgx.tables import load_tables
from shared.errors import InvalidInput

def bomb(line):
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = b"##fileformat=VCFv4.2\\n##reference=GRCh38\\n"
    body = [deflate.compress(line * (1 << 20)) for _ in range(400)]
    return b"".join([deflate.compress(head), *body, deflate.flush()])

tables = load_tables()
packed = [bomb(b"A"), bomb(b"\\n")]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for raw in packed:
    try:
        read_vcf(raw, tables)
    except InvalidInput:
        continue
    sys.exit("a bomb was read")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def blocked(modules: Iterable[str]) -> str:
    names = ", ".join(repr(m) for m in modules)
    return f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {{{names}}}:
            raise ImportError(name + " belongs to another extra")
sys.meta_path.insert(0, Refuse())
"""


WHOLE = """
from pathlib import Path
from services.genomics.service import SERVICE
assert "allel" not in sys.modules and "pandas" not in sys.modules, "loaded too early"
from services.genomics.vcf.reader import read_vcf
from services.genomics.pgx.tables import load_tables
from services.genomics.domain import Inputs
from shared.settings import Settings
vcf = read_vcf(Path("examples/patient/genome.vcf").read_bytes(), load_tables())
inputs = Inputs("Patient/1", vcf.digest, {}, vcf.records)
findings, = SERVICE.analyze([inputs], SERVICE.load(Settings()))
print(findings.calls[0].diplotype)
"""
