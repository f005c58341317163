"""scikit-allel, an independent reader, agrees with ours on what each record says."""

import io
import re
from pathlib import Path

import allel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.genomics.domain import Record
from services.genomics.pgx.tables import load_tables
from services.genomics.vcf.reader import read_vcf
from services.genomics.vcf.statistics import Statistics, statistics_of
from shared.errors import CareloopError
from tests.unit.genomics_vcf import vcf

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "patient" / "genome.vcf"
PHARMCAT = ROOT.parent / "shared" / "data" / "pgx_vcf"
FIELDS = ["CHROM", "POS", "REF", "ALT", "calldata/GT"]
Said = tuple[str, int, str, tuple[str, ...], tuple[int, ...]]


def of_ours(record: Record) -> Said:
    return (record.chromosome, record.position, record.ref, record.alts, record.genotype)


def of_allel(raw: bytes) -> set[Said]:
    """What scikit-allel reads: genotypes as text, since it pads short ones."""
    read = allel.read_vcf(
        io.BytesIO(raw),
        fields=FIELDS,
        types={"calldata/GT": "object"},
        numbers={"calldata/GT": 1},
        alt_number=16,
    )
    columns = [read[f"variants/{name}"].tolist() for name in ("CHROM", "POS", "REF", "ALT")]
    genotypes = [str(row[0]) for row in read["calldata/GT"].tolist()]
    return {
        (
            chromosome.removeprefix("chr"),
            position,
            ref.upper(),
            tuple(a for a in alts if a),
            tuple(int(a) if a.isdigit() else -1 for a in re.split("[/|]", genotype)),
        )
        for chromosome, position, ref, alts, genotype in zip(*columns, genotypes, strict=True)
    }


def agree(raw: bytes) -> int:
    """Each record of ours is one that scikit-allel reads; how many there were."""
    ours = [of_ours(record) for record in read_vcf(raw, load_tables()).records]
    assert set(ours) <= of_allel(raw)
    return len(ours)


def test_the_demos_genome_is_read_alike() -> None:
    assert agree(EXAMPLE.read_bytes()) > 100


def test_real_files_of_another_project_are_read_alike() -> None:
    paths = sorted(PHARMCAT.rglob("*.vcf"))
    if not paths:
        pytest.skip("no data set pgx_vcf beside the clone")
    counts = []
    for path in paths:
        try:
            counts.append(agree(path.read_bytes()))
        except CareloopError:  # several samples, another build
            continue
    assert len(counts) > 40
    assert sum(counts) > 1000


[SITE] = [s for s in sorted(load_tables().gene("CYP2C19").sites) if s.position == 94781859]
META = [
    "##fileformat=VCFv4.2",
    "##reference=GRCh38",
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">',
]
ALLELES = st.sampled_from(["0", "1", "2", "."])


@given(
    st.lists(ALLELES, min_size=1, max_size=3),
    st.sampled_from("/|"),
    st.lists(st.sampled_from(["A", "T", "C", "GA", "*", "<DEL>"]), min_size=2, max_size=4),
    st.integers(0, 400),
)
def test_generated_records_are_read_alike(
    alleles: list[str], separator: str, alts: list[str], depth: int
) -> None:
    raw = vcf(
        f"chr10\t{SITE.position}\t.\tG\t{','.join(alts)}\t.\tPASS\t.\tGT:DP\t"
        f"{separator.join(alleles)}:{depth}",
        meta=META,
    )
    assert agree(raw) == 1


def record(genotype: tuple[int, ...], ref: str = "G", *alts: str, usable: bool = True) -> Record:
    return Record("10", 1, 1, ref, alts or ("A",), genotype, usable=usable)


def test_the_statistics_of_a_call_set() -> None:
    found = statistics_of(
        [
            record((0, 1)),  # G>A, a transition
            record((1, 1), "G", "T"),  # a transversion
            record((1, 2), "C", "T", "A"),  # one of each
            record((0, 0)),
            record((0, 1), "G", "GA"),  # no single base
            record((-1, 1)),
            record((0, 1), usable=False),
        ]
    )
    assert found == Statistics(7, 5, 5 / 7, 3 / 5, 2, 2)
    assert found.ts_tv == 1.0


def test_the_statistics_of_nothing_are_unknown() -> None:
    assert statistics_of([]) == Statistics(0, 0, None, None, 0, 0)
    assert statistics_of([]).ts_tv is None
    assert statistics_of([record((-1, -1))]).heterozygous is None
