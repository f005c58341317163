"""Genomics read vcf: lines."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.genomics.domain import Record, Site
from services.genomics.pgx.calling import call_gene
from services.genomics.pgx.tables import load_tables
from shared.errors import NotAnalysed
from tests.unit.genomics_read_vcf.support import CELLS, read, refused
from tests.unit.genomics_vcf import gene, vcf


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
