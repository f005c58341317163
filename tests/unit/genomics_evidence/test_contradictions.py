"""Genomics evidence: contradictions."""

import pytest

from tests.unit.genomics_evidence.support import BEFORE, HET, G, cyp2c19, unsure
from tests.unit.genomics_vcf import call


@pytest.mark.parametrize(
    "other",
    [
        "chr10 94781859 . G A . PASS . GT 0/0",
        "chr10 94781859 . G A . PASS . GT 1/1",
        "chr10 94781859 . G A . LowQual . GT 1/1",
        "chr10 94781859 . G C . LowQual . GT 0/1",
        "chr10 94781859 . G . . PASS . GT 0/0",
        "chr10 94781858 . CG CA . PASS . GT 0/1",
        "chr10 94781858 . C <NON_REF> . PASS END=94781860 GT 0/0",
        "chr10 94781859 . A G . PASS . GT 0/1",
    ],
)
def test_records_that_can_t_all_be_true_give_no_call(other: str) -> None:
    found = cyp2c19("chr10 94775367 . A G . PASS . GT 0/1", HET, other)
    assert (found.diplotypes, found.reason) == (
        (),
        "its records contradict each other at chr10:94781859",
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(
            "chr10 94781859 . G <NON_REF> . PASS . GT 0/0",
            id="what a splitter of alleles leaves of a gVCF's line",
        ),
        pytest.param(
            "chr10 94781859 . G A . PASS . GT:DP 0/1:40", id="the same line of another run"
        ),
    ],
)
def test_records_that_say_the_same_give_their_call(other: str) -> None:
    lines = ("chr10 94775367 . A G . PASS . GT 0/1", HET)
    single, found = cyp2c19(*lines), cyp2c19(*lines, other)
    assert single.diplotypes and (found.diplotypes, found.reason) == (
        single.diplotypes,
        single.reason,
    )


def test_a_dpyd_variant_that_another_line_denies_gives_no_call() -> None:
    found = call("DPYD", {"1-97883329-A-G": "0/1"}, extra=("chr1 97883329 . A G . PASS . GT 0/0",))
    assert (found.diplotypes, found.reason) == (
        (),
        "its records contradict each other at chr1:97883329",
    )


@pytest.mark.parametrize(("first", "second"), [("1/1", "0/1"), ("1/1", "1/1"), ("0|1", "0|1")])
def test_more_alleles_than_two_chromosomes_hold_give_no_call(first: str, second: str) -> None:
    lines = (
        f"chr6 18130687 . T C . PASS . GT {first}",
        f"chr6 18130687 . T G . PASS . GT {second}",
    )
    found = call("TPMT", {}, ("6-18130687-T-C", "6-18130687-T-G"), lines)
    assert found.reason == "its records contradict each other at chr6:18130687"


@pytest.mark.parametrize(("first", "second"), [("0/1", "0/1"), ("1/0", "0/1"), ("0|1", "1|0")])
def test_split_lines_that_agree_are_called(first: str, second: str) -> None:
    lines = (
        f"chr6 18130687 . T C . PASS . GT {first}",
        f"chr6 18130687 . T G . PASS . GT {second}",
    )
    assert call("TPMT", {}, ("6-18130687-T-C", "6-18130687-T-G"), lines).diplotypes == ("*3C/*41",)


@pytest.mark.parametrize(
    "other",
    [
        "chr10 94781859 . G GT . PASS . GT 0/0",
        "chr10 94781859 . G C . PASS . GT 0/0",
        "chr10 94781859 . G GT . PASS . GT ./.",
    ],
)
def test_another_allele_that_is_not_there_does_not_void_a_variant(other: str) -> None:
    assert cyp2c19("chr10 94775367 . A G . PASS . GT 0/1", HET, other).diplotypes == ("*1/*2",)


@pytest.mark.parametrize("genotypes", [("1/.", "./1"), ("0/1", "./1"), ("./1", "./1")])
def test_half_calls_of_split_lines_are_no_reference(genotypes: tuple[str, str]) -> None:
    lines = (
        f"chr10 94781859 . G A . PASS . GT {genotypes[0]}",
        f"chr10 94781859 . G * . PASS . GT {genotypes[1]}",
    )
    assert unsure(cyp2c19(BEFORE, *lines))


@pytest.mark.parametrize(
    "line",
    [
        "chr10 94781859 . G * . PASS . GT 0/1",
        "chr10 94781858 . CG C . PASS . GT 0/1",
        "chr10 94781858 . CGT CA . PASS . GT 1/1",
    ],
)
def test_a_deletion_of_the_position_is_no_reference(line: str) -> None:
    assert unsure(cyp2c19(BEFORE, "chr10 94781859 . G A . PASS . GT 0/0", line))


@pytest.mark.parametrize("failed", ["LowQual . GT 1/1", "PASS . GT:GQ 0/1:12", "PASS . GT ./1"])
@pytest.mark.parametrize(
    "lines", [(), ("chr10 94762600 . A <NON_REF> . PASS END=94762800 GT 0/0",)]
)
def test_a_rare_allele_that_a_poor_genotype_hints_at_voids_the_normal_phenotype(
    lines: tuple[str, ...], failed: str
) -> None:
    found = call("CYP2C19", G, ("10-94762706-A-G",), (f"chr10 94762706 . A G . {failed}", *lines))
    assert (found.diplotypes, found.essential_untested) == (("*1/*1",), ("*4",))
    assert unsure(found)


def test_a_poor_genotype_does_not_bring_back_an_allele_that_a_good_one_excludes() -> None:
    # of *15 too, whose other position is called reference
    failed = "chr12 21176804 . A G . LowQual . GT 0/1"
    found = call("SLCO1B1", {}, ("12-21176804-A-G",), (failed,))
    assert "*15" not in found.essential_untested
    assert "*37" in found.essential_untested
