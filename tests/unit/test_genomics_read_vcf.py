"""The VCF's door: what is read, what is refused and with which words, and that neither a bomb nor a
long line fills the memory.
"""

import contextlib
import gzip
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.genomics.domain import Record, Site
from services.genomics.pgx.calling import call_gene
from services.genomics.pgx.tables import load_tables
from services.genomics.vcf.decompress import BGZF_END, decompressed
from services.genomics.vcf.reader import read_vcf
from shared.errors import InvalidInput, NotAnalysed
from tests.unit.genomics_vcf import DEMO, META, ROOT, gene, vcf

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


def test_a_line_becomes_a_record() -> None:
    line = "chr10 94781859 rs4244285 g a,<NON_REF> 50 . AC=1;END=94781860 DP:GT:GQ:PS 31:0|1:99:77"
    assert read(vcf(line)) == (
        Record("10", 94781859, 94781860, "G", ("a", "<NON_REF>"), (0, 1), True, "77", True, 31),
    )


@pytest.mark.parametrize("alt", ["A,,C", ",A", "A,", "./.", "A,.,C", "<", "é", "A,1"])
def test_alternatives_that_could_not_be_counted_are_refused(alt: str) -> None:
    assert "REF or ALT" in refused(vcf(f"chr10 94781859 . G {alt} . PASS . GT 0/1"))


@pytest.mark.parametrize("alt", ["<DEL>", "*", "G[chr2:321[", "]13:123456]T", ".A", "A."])
def test_alternatives_without_a_sequence_are_kept_in_their_place(alt: str) -> None:
    [record] = read(vcf(f"chr10 94781859 . G A,{alt},C . PASS . GT 3/2"))
    assert (record.alts[0], record.alts[2], record.genotype) == ("A", "C", (3, 2))
    assert record.alts[1] in (alt, "<BND>")


def test_a_phase_set_is_ascii() -> None:
    assert "phase set" in refused(
        vcf("chr10 94781859 . G A . PASS . GT:PS 0|1:X").replace(b":X", b":\x84")
    )


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


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(gene("CYP2C19").sites)),
            st.dictionaries(st.integers(0, 9), CELLS, max_size=2),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_any_cells_are_read_or_refused(lines: list[tuple[Site, dict[int, str]]]) -> None:
    rows = []
    for site, changes in lines:
        cells = [
            f"chr{site.chromosome}",
            str(site.position),
            ".",
            site.ref,
            site.alt,
            ".",
            "PASS",
            ".",
            "GT:DP:GQ:PS",
            "0/1:30:99:1",
        ]
        rows.append(
            "\t".join(changes.get(at, cell) for at, cell in enumerate(cells)).encode("latin-1")
        )
    with contextlib.suppress(NotAnalysed):
        records = read(vcf() + b"\n".join(rows))
        call_gene(load_tables(), gene("CYP2C19"), records)


def test_the_same_file_plain_gzipped_and_bgzipped_is_the_same_content() -> None:
    raw = DEMO.read_bytes()
    plain, *packed = (
        read_vcf(form, load_tables()) for form in (raw, gzip.compress(raw), bgzip(raw))
    )
    assert all(other == plain for other in packed)
    assert len(plain.records) == 275


def test_windows_line_ends_are_read() -> None:
    assert read(vcf(LINE).replace(b"\n", b"\r\n")) == read(vcf(LINE))


def test_only_what_touches_a_gene_is_kept() -> None:
    lines = (
        "chr2 94781859 . G A . PASS . GT 0/1",
        "chr10 1 . G A . PASS . GT 0/1",
        "chr10 1 . G . . PASS END=94762000 GT 0/0",
        LINE,
    )
    assert [record.position for record in read(vcf(*lines))] == [1, 94781859]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "line 1"),
        (b"GIF89a", "line 1"),
        (b"\n".join([b"##fileformat=VCFv4.2"]), "no `#CHROM` line"),
        (("\n".join(META) + "\n" + LINE.replace(" ", "\t") + "\n").encode(), "Line 3"),
        (vcf(LINE)[:-8], "Line 4"),
        (vcf(LINE, LINE)[:-30], "Line 5"),
        (vcf(LINE.replace("94781859", "x")), "Line 4"),
        (vcf(LINE.replace(" G A ", " ? A ")), "Line 4"),
        (vcf(LINE.replace("0/1", "0/x")), "Line 4"),
        (vcf(LINE.replace("0/1", "0/2")), "Line 4"),
        (vcf(LINE, meta=[*META, "#CHROM POS"]), "Line 3"),
        (gzip.compress(vcf(LINE))[:-20], "ends early"),
        (gzip.compress(vcf(LINE))[:40] + b"\0" * 40, "damaged"),
        (bgzip(DEMO.read_bytes())[:-28], "end-of-file block"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(raw: bytes, words: str) -> None:
    assert words in refused(raw)


def test_a_demo_file_cut_anywhere_within_a_line_is_refused() -> None:
    raw = DEMO.read_bytes()
    for cut in range(len(raw) - 200, len(raw) - 60, 7):
        tail = raw[:cut].rsplit(b"\n", 1)[1]
        if tail and tail.count(b"\t") < 9:
            assert "truncated" in refused(raw[:cut])


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (vcf(LINE, samples="").replace(b"\tGT\t0/1", b"\tGT"), "no sample"),
        (vcf(LINE + " 0/0", samples="one two"), "2 samples"),
        (vcf(LINE, meta=META[:1]), "does not say its genome build"),
        (vcf(LINE, meta=[META[0], "##reference=file:///ref/human_g1k_v37.fasta"]), "GRCh37"),
        (vcf(LINE, meta=[META[0], "##contig=<ID=10,length=135534747>"]), "GRCh37"),
        (vcf(LINE, meta=[*META, "##contig=<ID=chr1,assembly=hg19>"]), "GRCh37 and GRCh38"),
    ],
)
def test_what_is_understood_and_not_analysed_says_why(raw: bytes, words: str) -> None:
    assert words in refused(raw, NotAnalysed)


@pytest.mark.parametrize(
    "meta",
    [
        "##reference=hg38",
        "##contig=<ID=chr10,length=133797422>",
        '##contig=<ID=chr1,assembly=GRCh38.p14,species="Homo sapiens">',
        "##assembly=GRCh38",
    ],
)
def test_each_way_to_name_the_build_is_understood(meta: str) -> None:
    assert len(read(vcf(LINE, meta=[META[0], meta]))) == 1


def test_no_message_quotes_the_file() -> None:
    secret = "Smith"
    for line in (
        LINE.replace("0/1", secret),
        LINE.replace(" G A ", f" {secret} A "),
        f"{secret}",
        LINE.replace("94781859", secret),
    ):
        assert secret not in refused(vcf(line))


def test_a_long_line_is_refused() -> None:
    assert "Line 5 of the VCF is longer" in refused(vcf(LINE) + b"A" * 3_000_000)


def test_a_bomb_is_refused() -> None:
    assert "100:1" in refused(gzip.compress(vcf(LINE) + b"\n" * (64 << 20)))


def test_many_members_are_read_in_full() -> None:
    raw = vcf(*[LINE] * 2_000)
    assert b"".join(decompressed(bgzip(raw, 512))) == raw


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


def test_400_mb_in_one_line_or_of_empty_lines_cost_little_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOMB],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100_000  # kB


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


def test_a_vcf_is_analysed_with_this_extra_alone() -> None:
    """The tables are files: nothing is imported for them."""
    code = (
        blocked(["torch", "transformers", "spacy", "medspacy", "pydicom", "captum", "pypgx", "fuc"])
        + WHOLE
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("*2/*2\n", 0), done.stderr
