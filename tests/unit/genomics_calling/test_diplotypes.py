"""Genomics calling: diplotypes."""

import pytest

from tests.unit.genomics_calling.support import S2, G
from tests.unit.genomics_vcf import call


@pytest.mark.parametrize(
    ("name", "genotypes", "diplotypes", "phenotype"),
    [
        ("CYP2C19", G, ("*1/*1",), "Normal Metabolizer"),
        ("CYP2C19", {}, ("*38/*38",), "Normal Metabolizer"),
        ("CYP2C19", {"10-94842866-A-G": "0/1"}, ("*1/*38",), "Normal Metabolizer"),
        ("CYP2C19", G | S2, ("*1/*2",), "Intermediate Metabolizer"),
        ("CYP2C19", G | dict.fromkeys(S2, "1/1"), ("*2/*2",), "Poor Metabolizer"),
        ("CYP2C19", {"10-94842866-A-G": "0/1"} | S2, ("*38/*2",), "Intermediate Metabolizer"),
        ("CYP2C19", G | S2 | {"10-94761900-C-T": "0/1"}, ("*2/*17",), "Intermediate Metabolizer"),
        ("CYP2C19", G | {"10-94761900-C-T": "1/1"}, ("*17/*17",), "Ultrarapid Metabolizer"),
        (
            "CYP2C9",
            {"10-94942290-C-T": "0/1", "10-94981296-A-C": "0/1"},
            ("*2/*3",),
            "Poor Metabolizer (activity score 0.5)",
        ),
        (
            "CYP2C9",
            {"10-94981296-A-C": "0/1"},
            ("*1/*3",),
            "Intermediate Metabolizer (activity score 1)",
        ),
        (
            "CYP2C9",
            {"10-94942309-G-A": "0/1"},
            ("*1/*8",),
            "Intermediate Metabolizer (activity score 1.5)",
        ),
        ("SLCO1B1", {"12-21178615-T-C": "0/1"}, ("*1/*5",), "Decreased Function"),
        (
            "SLCO1B1",
            {"12-21178615-T-C": "1/1", "12-21176804-A-G": "1/1"},
            ("*15/*15",),
            "Poor Function",
        ),
        (
            "VKORC1",
            {"16-31096368-C-T": "0/1"},
            ("-1639G/-1639A",),
            "Increased warfarin sensitivity",
        ),
        ("TPMT", {"6-18143724-C-G": "0/1"}, ("*1/*2",), "Intermediate Metabolizer"),
        ("NUDT15", {"13-48045719-C-T": "1/1"}, ("*3/*3",), "Poor Metabolizer"),
        ("DPYD", {}, ("Reference/Reference",), "Normal Metabolizer (activity score 2)"),
        (
            "DPYD",
            {"1-97450058-C-T": "0/1"},
            ("Reference/c.1905+1G>A (*2A)",),
            "Intermediate Metabolizer (activity score 1)",
        ),
    ],
)
def test_a_diplotype_and_its_phenotype(
    name: str, genotypes: dict[str, str], diplotypes: tuple[str, ...], phenotype: str
) -> None:
    found = call(name, genotypes)
    assert (found.diplotypes, str(found.phenotype)) == (diplotypes, phenotype)


def test_phase_decides_between_one_haplotype_and_two() -> None:
    cis = {"12-21176804-A-G": "0|1", "12-21178615-T-C": "0|1"}
    trans = {"12-21176804-A-G": "0|1", "12-21178615-T-C": "1|0"}
    unphased = dict.fromkeys(cis, "0/1")
    assert call("SLCO1B1", cis).diplotypes == ("*1/*15",)
    assert call("SLCO1B1", trans).diplotypes == ("*5/*37",)
    assert call("SLCO1B1", unphased).diplotypes == ("*1/*15", "*5/*37")
    assert call("SLCO1B1", unphased).phenotype.term == "Decreased Function"  # both ways


def test_phase_sets_are_not_phased_with_each_other() -> None:
    sites = ("12-21176804-A-G", "12-21178615-T-C")
    lines = tuple(
        f"chr12 {s.split('-')[1]} . {s.split('-')[2]} {s.split('-')[3]} . PASS . GT:PS 0|1:{n}"
        for n, s in enumerate(sites)
    )
    assert call("SLCO1B1", {}, sites, lines).diplotypes == ("*1/*15", "*5/*37")
    assert call("SLCO1B1", {}, sites, tuple(line[:-1] + "7" for line in lines)).diplotypes == (
        "*1/*15",
    )


def test_tpmt_3a_is_reported_for_its_unphased_genotypes_and_says_so() -> None:
    sites = ("6-18130687-T-C", "6-18138997-C-T")
    unphased = call("TPMT", dict.fromkeys(sites, "0/1"))
    assert unphased.diplotypes == ("*1/*3A",)
    assert "*3B/*3C" in unphased.notes[0]
    assert call("TPMT", {sites[0]: "0|1", sites[1]: "1|0"}).diplotypes == ("*3B/*3C",)


def test_a_missing_position_is_unknown_and_never_reference() -> None:
    found = call("CYP2C19", G, missing=("10-94761900-C-T",))
    assert found.diplotypes == ("*1/*1",)
    assert (found.untested, found.essential_untested, found.missing) == (("*17",), ("*17",), 1)
    assert found.phenotype.term == "Indeterminate"
    assert {p.term for p in found.phenotypes} == {
        "Normal Metabolizer",
        "Rapid Metabolizer",
        "Ultrarapid Metabolizer",
    }


def test_an_untested_rare_allele_is_named_but_does_not_void_the_phenotype() -> None:
    found = call("CYP2C19", G, missing=("10-94781944-G-A",))
    assert (found.untested, found.phenotype.term) == (("*26",), "Normal Metabolizer")


def test_alleles_that_lose_what_tells_them_apart_are_all_candidates() -> None:
    found = call("CYP2C19", G | {"10-94775367-A-G": "0/1"}, missing=("10-94781859-G-A",))
    assert set(found.diplotypes) == {"*1/*2", "*1/*35"}


@pytest.mark.parametrize("genotype", ["./.", "0/.", ".", "0", "1"])
def test_what_is_not_called_in_full_is_missing(genotype: str) -> None:
    assert call("CYP2C19", G | {"10-94761900-C-T": genotype}).essential_untested == ("*17",)


@pytest.mark.parametrize(
    ("filters", "values"), [("LowQual", "0/1:40:99"), ("PASS", "0/1:9:99"), ("PASS", "0/1:40:19")]
)
def test_a_poor_genotype_is_missing(filters: str, values: str) -> None:
    line = f"chr10 94761900 . C T . {filters} . GT:DP:GQ {values}"
    found = call("CYP2C19", G, missing=("10-94761900-C-T",), extra=(line,))
    assert (found.diplotypes, found.essential_untested) == (("*1/*1",), ("*17",))


@pytest.mark.parametrize(
    "sample",
    [
        "GT:FT 0/1:LowGQX",
        "GT:FT 0/0:q10;s50",
        "GT:GQ 0/1:5.2",
        "GT:DP 0/1:3.0",
        "GT:GQ 0/1:-1",
        "GT:GQ 0/1:high",
        "GT:DP:MIN_DP 0/0:40:2",
        "GT:DP:RGQ 0/0:40:0",
    ],
)
def test_the_sample_s_own_filter_and_numbers_count_however_they_are_written(sample: str) -> None:
    found = call(
        "CYP2C19",
        G,
        missing=("10-94761900-C-T",),
        extra=(f"chr10 94761900 . C T . PASS . {sample}",),
    )
    assert (found.diplotypes, found.essential_untested) == (("*1/*1",), ("*17",))


@pytest.mark.parametrize(
    "sample",
    [
        "GT:FT 0/1:PASS",
        "GT:FT 0/1:.",
        "GT:DP:GQ 0/1:30.5:99.0",
        "GT:GQ 0/1:1e2",
        "GT /0/1",
        "GT |0|1",
        "GT /0|1",
        "GT:DP:GQ 0/1",
    ],
)
def test_a_good_genotype_counts_however_it_is_written(sample: str) -> None:
    found = call(
        "CYP2C19",
        G,
        missing=("10-94761900-C-T",),
        extra=(f"chr10 94761900 . C T . PASS . {sample}",),
    )
    assert found.diplotypes == ("*1/*17",)


def test_the_leading_phase_of_vcf_4_4_is_read_as_the_others_are() -> None:
    sites = ("12-21176804-A-G", "12-21178615-T-C")
    assert call("SLCO1B1", {sites[0]: "|0|1", sites[1]: "|0|1"}).diplotypes == ("*1/*15",)
    assert call("SLCO1B1", {sites[0]: "/0|1", sites[1]: "|0|1"}).diplotypes == (
        "*1/*15",
        "*5/*37",
    )  # one allele without phase: neither has one
