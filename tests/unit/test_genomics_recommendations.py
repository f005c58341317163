"""What CPIC's texts are given for: each drug with its code and source, the score told apart,
nothing where the phenotype is open.
"""

import pytest

from services.genomics.domain import GeneCall, Implication, Phenotype
from services.genomics.pgx.calling import call_gene
from services.genomics.pgx.recommendations import implications
from services.genomics.pgx.tables import load_tables
from services.genomics.vcf.reader import read_vcf
from shared.terms import drugs_by_name
from tests.unit.genomics_vcf import DEMO

SCORED = {"CYP2C9", "DPYD"}


def called(**phenotypes: str | tuple[str, float] | list[str]) -> dict[str, Implication]:
    """Implications by drug of genes with these phenotypes (several: all stay possible)."""
    calls = []
    for gene, given in phenotypes.items():
        terms = given if isinstance(given, list) else [given]
        states = tuple(
            Phenotype(*t)
            if isinstance(t, tuple)
            else Phenotype(t, 2.0 if gene in SCORED and t.startswith("Normal") else None)
            for t in terms
        )
        calls.append(GeneCall(gene, ("a/b",), states))
    return {i.drug: i for i in implications(load_tables(), calls)}


@pytest.mark.parametrize(
    ("drug", "phenotypes", "words"),
    [
        (
            "clopidogrel",
            {"CYP2C19": "Poor Metabolizer"},
            "Avoid standard dose (75 mg/day) clopidogrel",
        ),
        (
            "omeprazole",
            {"CYP2C19": "Ultrarapid Metabolizer"},
            "Increase starting daily dose by 100%",
        ),
        ("voriconazole", {"CYP2C19": "Rapid Metabolizer"}, "Choose an alternative agent"),
        ("citalopram", {"CYP2C19": "Poor Metabolizer"}, "50 % of the standard maintenance dose"),
        ("simvastatin", {"SLCO1B1": "Poor Function"}, "Prescribe an alternative statin"),
        (
            "capecitabine",
            {"DPYD": ("Intermediate Metabolizer", 1.0)},
            "Reduce starting dose by 50%",
        ),
        ("fluorouracil", {"DPYD": ("Poor Metabolizer", 0.0)}, "Avoid use of 5-fluorouracil"),
        (
            "azathioprine",
            {"TPMT": "Poor Metabolizer", "NUDT15": "Normal Metabolizer"},
            "reduce daily dose by 10-fold",
        ),
        (
            "warfarin",
            {"CYP2C9": ("Poor Metabolizer", 0.0), "VKORC1": "Normal warfarin sensitivity"},
            "lower dose than usual",
        ),
    ],
)
def test_a_recommendation_and_that_it_is_to_be_acted_on(
    drug: str, phenotypes: dict[str, str | tuple[str, float]], words: str
) -> None:
    found = called(**phenotypes)[drug]
    assert words in found.text
    assert found.actionable


def test_normal_phenotypes_call_for_no_change() -> None:
    normal = dict.fromkeys(["CYP2C19", "CYP2C9", "TPMT", "NUDT15", "DPYD"], "Normal Metabolizer")
    found = called(**normal, SLCO1B1="Normal Function", VKORC1="Normal warfarin sensitivity")
    assert len(found) >= 30
    assert [i.drug for i in found.values() if i.actionable] == []


@pytest.mark.parametrize(
    "drug",
    [
        "celecoxib",
        "flurbiprofen",
        "ibuprofen",
        "lornoxicam",
        "meloxicam",
        "piroxicam",
        "tenoxicam",
        "phenytoin",
        "fosphenytoin",
    ],
)
def test_activity_score_1_of_cyp2c9_is_told_from_1_5(drug: str) -> None:
    almost, half = (
        called(CYP2C9=("Intermediate Metabolizer", score))[drug] for score in (1.5, 1.0)
    )
    assert (almost.actionable, half.actionable) == (False, True)


def test_phenotypes_that_lead_to_the_same_advice_keep_it_and_others_do_not() -> None:
    same = called(
        NUDT15=["Intermediate Metabolizer", "Possible Intermediate Metabolizer"],
        TPMT="Normal Metabolizer",
    )
    assert "reduced starting doses" in same["azathioprine"].text
    assert "azathioprine" not in called(
        NUDT15=["Intermediate Metabolizer", "Poor Metabolizer"], TPMT="Normal Metabolizer"
    )


def test_an_indeterminate_gene_gives_no_advice_of_its_own() -> None:
    assert called(CYP2C19="Indeterminate") == {}
    assert "clopidogrel" not in called(CYP2C19=["Normal Metabolizer", "Indeterminate"])


def test_a_gene_that_the_guideline_asks_for_and_the_file_lacks_is_said() -> None:
    assert "NUDT15" in called(TPMT="Intermediate Metabolizer")["azathioprine"].text
    assert "CYP2D6" in called(CYP2C19="Poor Metabolizer")["amitriptyline"].text
    assert "ABCG2" in called(SLCO1B1="Decreased Function")["rosuvastatin"].text
    assert "warfarin" not in called(CYP2C9=("Poor Metabolizer", 0.0))


def test_every_drug_has_its_rxnorm_code_and_its_source() -> None:
    records = read_vcf(DEMO.read_bytes(), load_tables()).records
    calls = [
        call for gene in load_tables().genes if (call := call_gene(load_tables(), gene, records))
    ]
    found = implications(load_tables(), calls)
    known = {name: drug.rxnorm for name, drug in drugs_by_name().items() if drug.rxnorm}
    assert len(known.keys() & {i.drug for i in found}) >= 20
    assert len({i.rxnorm for i in found}) == len(found) >= 30
    for i in found:
        assert i.guideline.startswith("https://cpicpgx.org/guidelines/")
        assert i.pmid.isdigit()
        assert i.level in ("A", "B")
        assert known.get(i.drug, i.rxnorm) == i.rxnorm, i.drug
