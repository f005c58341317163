"""Genomics read vcf: vcf files."""

import gzip
import subprocess
import sys

import pytest

from services.genomics.pgx.tables import load_tables
from services.genomics.vcf.decompress import decompressed
from services.genomics.vcf.reader import read_vcf
from shared.errors import NotAnalysed
from tests.unit.genomics_read_vcf.support import BOMB, LINE, WHOLE, bgzip, blocked, read, refused
from tests.unit.genomics_vcf import DEMO, META, ROOT, vcf


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
