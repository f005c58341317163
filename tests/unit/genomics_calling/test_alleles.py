"""Genomics calling: alleles."""

import pytest

from services.genomics.domain import Site
from services.genomics.pgx.tables import load_tables
from tests.unit.genomics_calling.support import HAPB3, G
from tests.unit.genomics_vcf import call, gene


def test_a_gvcf_block_speaks_for_the_positions_it_spans() -> None:
    block = "chr10 94761000 . G <NON_REF> . PASS END=94762000 GT:DP:GQ 0/0:30:60"
    found = call("CYP2C19", G, missing=("10-94761900-C-T",), extra=(block,))
    assert (found.essential_untested, found.phenotype.term) == ((), "Normal Metabolizer")


def test_a_combination_is_named_only_where_no_single_allele_fits() -> None:
    found = call("CYP2C9", {"10-94942290-C-T": "0/1", "10-94981281-G-A": "1/1"})
    assert found.diplotypes == ("*24/[*2 + *24]",)
    assert found.phenotype.term == "Indeterminate"


@pytest.mark.parametrize(
    "line",
    [
        "chr10 94781859 . G C . PASS . GT 0/1",
        "chr10 94781859 . G <DEL> . PASS . GT 0/1",
        "chr10 94781857 . GCG G . PASS . GT 0/1",
    ],
)
def test_an_allele_that_no_table_holds_is_no_reference(line: str) -> None:
    found = call("CYP2C19", G, missing=("10-94781859-G-A", "10-94781858-C-T"), extra=(line,))
    assert found.diplotypes == ()
    assert found.reason
    assert "chr10:9478185" in found.reason


def test_variants_that_no_named_allele_explains_are_said_so() -> None:
    found = call("CYP2C19", G | {"10-94781859-G-A": "1/1"})
    assert (found.diplotypes, found.phenotype.term) == ((), "Indeterminate")


@pytest.mark.parametrize(
    "line",
    [
        "chr1 97450065 . TG T . PASS . GT 0/1",
        "chr1 97450066 . GG G . PASS . GT 0/1",
        "chr1 97450065 . TGG TG . PASS . GT 0/1",
        "1 97450065 . TG A,T . PASS . GT 0/2",
        "NC_000001.11 97450065 . TG T . PASS . GT 0/1",
    ],
)
def test_every_spelling_of_a_deletion_is_the_same_allele(line: str) -> None:
    assert call("DPYD", {}, missing=("1-97450065-TG-T",), extra=(line,)).diplotypes == (
        "Reference/c.1898delC (*3)",
    )


def test_an_insertion_in_a_repeat_is_left_aligned() -> None:
    right = "chr13 48037788 . C CGGAGTC . PASS . GT 0/1"  # the same insertion, shifted to the right
    assert call("NUDT15", {"13-48037782-A-AGGAGTC": "0/1"}).diplotypes == ("*1/*6",)
    missing = ("13-48037782-A-AGGAGTC",)
    assert call("NUDT15", {}, missing=missing, extra=(right,)).diplotypes == ("*1/*6",)


def test_split_lines_of_one_position_lie_on_two_chromosomes() -> None:
    lines = ("chr6 18130687 . T C . PASS . GT 0/1", "chr6 18130687 . T G . PASS . GT 0/1")
    found = call("TPMT", {}, missing=("6-18130687-T-C", "6-18130687-T-G"), extra=lines)
    assert found.diplotypes == ("*3C/*41",)
    joined = call(
        "TPMT",
        {},
        missing=("6-18130687-T-C", "6-18130687-T-G"),
        extra=("chr6 18130687 . T C,G . PASS . GT 1/2",),
    )
    assert joined.diplotypes == found.diplotypes


def test_a_line_given_twice_counts_once() -> None:
    line = "chr6 18143724 . C G . PASS . GT 0/1"
    assert call("TPMT", {}, missing=("6-18143724-C-G",), extra=(line, line)).diplotypes == (
        "*1/*2",
    )


def test_a_substitution_of_several_bases_is_read_base_by_base() -> None:
    sites = ("10-94781858-C-T", "10-94781859-G-A")
    found = call(
        "CYP2C19",
        G | {"10-94775367-A-G": "0/1"},
        missing=sites,
        extra=("chr10 94781858 . CG CA . PASS . GT 0/1",),
    )
    assert found.diplotypes == ("*1/*2",)


def test_dpyd_takes_the_least_active_variant_of_each_chromosome() -> None:
    two = {"1-97450058-C-T": "0/1", "1-97515787-A-C": "0/1"}
    unphased = call("DPYD", two | {"1-97883329-A-G": "0/1"})
    assert str(unphased.phenotype) == "Poor Metabolizer (activity score 0)"
    assert any("c.85T>C" in note for note in unphased.notes)
    assert any("phase" in note for note in unphased.notes)
    cis = call("DPYD", dict.fromkeys(two, "0|1"))
    assert str(cis.phenotype) == "Intermediate Metabolizer (activity score 1)"


@pytest.mark.parametrize(
    ("genotypes", "missing", "diplotype"),
    [
        ({"1-97579893-G-C": "0/1", "1-97573863-C-T": "0/1"}, (), f"Reference/{HAPB3}"),
        ({"1-97579893-G-C": "0/1"}, (), f"Reference/{HAPB3}"),
        ({"1-97573863-C-T": "0/1"}, (), "Reference/Reference"),
        ({"1-97573863-C-T": "0/1"}, ("1-97579893-G-C",), f"Reference/{HAPB3}"),
    ],
)
def test_hapb3_is_its_cause_or_where_that_was_not_tested_its_proxy(
    genotypes: dict[str, str], missing: tuple[str, ...], diplotype: str
) -> None:
    assert call("DPYD", genotypes, missing).diplotypes == (diplotype,)


def test_reference_bases_of_another_build_are_noticed() -> None:
    lines = tuple(
        f"chr10 {site.position} . {'A' if site.ref[0] != 'A' else 'C'} . . PASS . GT 0/0"
        for site in sorted(gene("CYP2C9").sites)[:20]
    )
    found = call(
        "CYP2C9",
        {},
        missing=tuple("-".join(map(str, s)) for s in gene("CYP2C9").sites),
        extra=lines,
    )
    assert found.reason == "its reference bases are not those of GRCh38"


def test_the_tables_hold_what_the_rules_name() -> None:
    for rules in load_tables().genes:
        known = {*rules.alleles, rules.reference, rules.without}
        assert {*rules.essential, *rules.optional, *rules.proxy, *rules.wobble} <= known
        assert all(
            isinstance(site, Site) and site.chromosome == rules.chromosome for site in rules.sites
        )
        assert all(
            set("/".join([*rules.prefer, *rules.prefer.values()]).split("/")) <= known
            for _ in [0]
            if rules.prefer
        )
