"""What no record may do: make a reference of a position that it does not show, or hide a variant
behind another line.
"""

import pytest

from services.genomics.domain import GeneCall
from services.genomics.pgx.calling import call_gene
from services.genomics.pgx.recommendations import implications
from services.genomics.pgx.tables import load_tables
from services.genomics.vcf.reader import read_vcf
from tests.unit.genomics_vcf import call, vcf

G = {"10-94842866-A-G": "1/1"}
S2 = ("10-94775367-A-G", "10-94781859-G-A")  # the two sites of CYP2C19*2
BEFORE = "chr10 94775367 . A G . PASS . GT 0/0"
DEL = "chr10 94700000 . N <DEL> . PASS END=94860000;SVTYPE=DEL"


def alone(name: str, *lines: str) -> GeneCall | None:
    tables = load_tables()
    return call_gene(tables, tables.gene(name), read_vcf(vcf(*lines), tables).records)


def cyp2c19(*lines: str) -> GeneCall:
    """CYP2C19 with these lines in place of the two of *2, all else called."""
    return call("CYP2C19", G, S2, lines)


def unsure(found: GeneCall) -> bool:
    """No normal phenotype, neither alone nor as a diplotype without doubt, and no drug advice that
    rests on it.
    """
    return found.phenotype.term == "Indeterminate" and not [
        i for i in implications(load_tables(), [found]) if i.drug == "clopidogrel"
    ]


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


COVER = {
    "an insertion of the same position": "chr10 94781859 . G GT . PASS . GT 0/0",
    "a deletion over it": "chr10 94781857 . NNN N . PASS . GT 0/0",
    "a block": "chr10 94781800 . A <NON_REF> . PASS END=94781900 GT 0/0",
    "another substitution": "chr10 94781859 . G C . PASS . GT 0/0",
    "the reference alone": "chr10 94781859 . G . . PASS . GT 0/0",
}


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


HET = "chr10 94781859 . G A . PASS . GT 0/1"


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
