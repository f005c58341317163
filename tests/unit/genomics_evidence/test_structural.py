"""Genomics evidence: structural."""

import pytest

from tests.unit.genomics_evidence.support import BEFORE, COVER, DEL, S2, G, alone, cyp2c19, unsure
from tests.unit.genomics_vcf import call


@pytest.mark.parametrize("genotype", ["1/1", "0/1", "0|1", "0/0", "1", "./1", "./."])
@pytest.mark.parametrize("alt", ["<DEL>", "<DUP>", "<CNV>", "<INV>", "<CN0>", "<DEL:ME>"])
def test_a_structural_variant_tests_no_position_of_the_gene(alt: str, genotype: str) -> None:
    for name, line in (
        ("CYP2C19", f"chr10 94700000 . N {alt} . PASS END=94860000 GT {genotype}"),
        ("DPYD", f"chr1 97000000 . N {alt} . PASS END=98000000 GT {genotype}"),
    ):
        found = alone(name, line)
        assert found is not None
        assert (found.diplotypes, found.phenotype.term, found.missing) == (
            (),
            "Indeterminate",
            found.positions,
        )


@pytest.mark.parametrize(
    "line",
    [
        "chr10 94700000 . N . . PASS END=94860000 GT 0/0",
        "chr10 94700000 . A . . PASS END=94860000;SVTYPE=CNV GT 0/0",
        "chr10 94700000 . A . . PASS END=94860000 GT:CN 0/0:2",
    ],
)
def test_a_copy_number_segment_is_no_reference_block(line: str) -> None:
    found = alone("CYP2C19", line)
    assert found is not None
    assert (found.diplotypes, found.missing) == ((), found.positions)


@pytest.mark.parametrize(
    "line",
    [
        f"{DEL} GT 0/1",
        f"{DEL} GT 1/1",
        f"{DEL} GT ./1",
        f"{DEL} GT:CN 0/0:1",
        f"{DEL} GT:CN ./.:1",
        f"{DEL.replace('PASS', 'LowQual')} GT 0/1",
        "chr10 94781800 . N <DEL> . PASS SVTYPE=DEL;SVLEN=-500 GT 0/1",
        "chr10 94781800 . N <DUP> . PASS SVLEN=500;SVTYPE=DUP GT 0/1",
        "chr10 94781859 . G G[chr10:94790000[ . PASS SVTYPE=BND GT 0/1",
        "chr10 94781859 . G * . PASS . GT 0/1",
        "chr10 94781859 . G A,* . PASS . GT 0/2",
        "chr10 94781859 . G <NON_REF> . PASS . GT 0/1",
        "chr10 94781850 . CNNNNNNNNNNN C . PASS . GT 0/1",
    ],
)
def test_what_is_carried_over_a_position_leaves_it_unknown_beside_a_called_reference(
    line: str,
) -> None:
    found = call("CYP2C19", G, extra=(line,))
    assert unsure(found)


def test_where_a_structural_variant_lies_is_said() -> None:
    assert call("CYP2C19", G, extra=(f"{DEL} GT 0/1",)).reason == (
        "an allele whose sequence the file does not give, a structural variant for instance, at "
        "chr10:94700000"
    )


@pytest.mark.parametrize(
    "line",
    [
        f"{DEL} GT 0/0",
        f"{DEL} GT ./.",
        "chr10 94781800 . N <DUP> . PASS SVLEN=20 GT 0/1",
        "chr10 94781859 . G <INS> . PASS SVLEN=300 GT 0/0",
    ],
)
def test_a_structural_variant_that_is_not_there_changes_nothing(line: str) -> None:
    found = call("CYP2C19", G, extra=(line,))
    assert (found.diplotypes, found.phenotype.term, found.missing) == (
        ("*1/*1",),
        "Normal Metabolizer",
        0,
    )


@pytest.mark.parametrize("genotype", ["0/0", "0|0"])
@pytest.mark.parametrize("alt", [".", "<NON_REF>", "<*>"])
def test_a_reference_block_tests_all_that_it_spans(alt: str, genotype: str) -> None:
    found = alone("CYP2C19", f"chr10 94700000 . A {alt} . PASS END=94860000 GT {genotype}")
    assert found is not None
    assert (found.diplotypes, found.missing) == (("*38/*38",), 0)


@pytest.mark.parametrize(
    "sample", ["GT 0/1", "GT ./.", "GT 0", "GT 0/.", "GT:DP 0/0:3", "GT:FT 0/0:LowGQX"]
)
def test_a_block_that_is_no_good_reference_tests_nothing(sample: str) -> None:
    found = alone("CYP2C19", f"chr10 94700000 . A <NON_REF> . PASS END=94860000 {sample}")
    assert found is not None
    assert (found.diplotypes, found.missing) == ((), found.positions)


def test_an_end_beyond_ref_counts_for_blocks_alone() -> None:
    found = call("CYP2C19", G, S2, ("chr10 94775367 . A G . PASS END=94781900 GT 0/0",))
    assert found.missing == 1


@pytest.mark.parametrize("cover", COVER.values(), ids=COVER)
@pytest.mark.parametrize(
    "failed",
    [
        "LowQual . GT 1/1",
        "PASS . GT:FT 0/1:LowGQX",
        "PASS . GT:GQ 1/1:5.2",
        "PASS . GT:DP 0/1:4",
        "PASS . GT ./1",
        "PASS . GT 1/.",
        "PASS . GT 1",
        "PASS . GT 0/0/1",
    ],
)
def test_a_variant_that_does_not_count_is_not_hidden_by_a_line_that_does(
    failed: str, cover: str
) -> None:
    found = cyp2c19(BEFORE, f"chr10 94781859 . G A . {failed}", cover)
    assert found.essential_untested == ("*2",)
    assert unsure(found)


@pytest.mark.parametrize("failed", ["LowQual . GT 0/1", "PASS . GT ./1"])
def test_a_doubtful_dpyd_variant_is_not_hidden_by_a_block(failed: str) -> None:
    block = "chr1 97450000 . A <NON_REF> . PASS END=97450062 GT 0/0"
    found = call("DPYD", {}, ("1-97450058-C-T",), (f"chr1 97450058 . C T . {failed}", block))
    assert (found.essential_untested, found.phenotype.term) == (
        ("c.1905+1G>A (*2A)",),
        "Indeterminate",
    )


@pytest.mark.parametrize(
    "cover", ["chr10 94781859 . G GT . PASS . GT 0/0", "chr10 94781858 . CG C . PASS . GT 0/0"]
)
def test_an_insertion_or_deletion_that_is_not_there_tests_no_substitution(cover: str) -> None:
    assert call("CYP2C19", G, S2, (cover,)).essential_untested == ("*2",)


def test_with_non_ref_an_insertion_that_is_not_there_tests_the_position() -> None:
    assert (
        call("CYP2C19", G, S2, (BEFORE, "chr10 94781859 . G GT,<NON_REF> . PASS . GT 0/0")).missing
        == 0
    )


@pytest.mark.parametrize("cover", [COVER["a block"], COVER["the reference alone"]])
def test_a_no_call_is_not_filled_by_another_line(cover: str) -> None:
    assert call(
        "CYP2C19", G, S2, ("chr10 94781859 . G A . PASS . GT ./.", cover)
    ).essential_untested == ("*2",)
