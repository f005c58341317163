"""Codes of genotypes and phenotypes: warfarin by genotype, words without a code."""

import pytest

from services.treatment.domain import Dose
from shared.fhir import codes
from shared.json import Json
from shared.terms.pharmacogenetics import GENOTYPE, PHENOTYPE
from tests.unit.treatment_answer import alert, findings, genes, only_choice
from tests.unit.treatment_record import (
    CLOPIDOGREL,
    genotype,
    implication,
    inputs_of,
    order,
    patient,
    phenotype_value,
)


@pytest.mark.parametrize(
    ("cyp2c9", "vkorc1", "low", "high"),
    [
        ("*1/*1", "-1639G/-1639G", 5, 7),
        ("*1/*3", "-1639G/-1639A", 3, 4),
        ("*3/*2", "-1639A/-1639A", 0.5, 2),
    ],
)
def test_warfarin_by_the_label_s_table(cyp2c9: str, vkorc1: str, low: float, high: float) -> None:
    (proposal,) = only_choice(
        patient(),
        *genes(genotype("CYP2C9", cyp2c9), genotype("VKORC1", vkorc1)),
        order("warfarin", "11289", mg=5),
    ).proposals
    assert proposal.dose == Dose(low, high, "mg", 1)


@pytest.mark.parametrize(
    ("cyp2c9", "certain"),
    [
        ("*1/*2 or *1/*3", False),
        ("*1/*1 (*2 not tested)", False),
        ("*1/*2", False),
        ("*1/*8", True),
    ],
)
def test_warfarin_is_not_guessed_from_an_unsure_or_unlisted_genotype(
    cyp2c9: str, certain: bool
) -> None:
    assert (
        findings(
            patient(),
            *genes(
                genotype("CYP2C9", cyp2c9, certain=certain), genotype("VKORC1", "-1639G/-1639A")
            ),
            order("warfarin", "11289"),
        ).choices
        == ()
    )


@pytest.mark.parametrize(
    "value",
    [
        "-1639G/-1639A",
        "rs9923231 C/T",
        "Reference/rs9923231",
        "A/A",
        "C/C",
        "?",
    ],
)
def test_a_genotype_in_words_alone_is_shown_and_not_read(value: str) -> None:
    found = genotype("VKORC1", value, certain=False)
    inputs = inputs_of(patient(), *genes(found))
    assert [(g.gene, g.value, g.certain) for g in inputs.genotypes] == [
        ("VKORC1", f"VKORC1 {value}", "")
    ]


def test_a_genotype_is_read_from_its_code_whatever_its_text() -> None:
    found = genotype("CYP2C9", "*3/*1")
    found["valueCodeableConcept"]["text"] = "one of many or not tested"
    (read,) = inputs_of(patient(), *genes(found)).genotypes
    assert read.certain == "CYP2C9 *1/*3"
    other = codes.concept(codes.PHARMVAR, "CYP2C9*1/*3", text="CYP2C9 *1/*3")
    (foreign,) = inputs_of(patient(), *genes(found | {"valueCodeableConcept": other})).genotypes
    assert foreign.certain == ""


@pytest.mark.parametrize(
    "value",
    [
        {"text": "CYP2C19 Intermediate Metabolizer"},
        {
            "coding": [
                {"system": "urn:other", "code": "intermediate-metabolizer"},
                {"system": codes.LOINC, "display": "Intermediate metabolizer"},
            ]
        },
    ],
)
def test_a_phenotype_in_words_alone_is_unknown_and_its_report_is_quoted(value: Json) -> None:
    """A report of an older version has no code: no rule speaks, its advice is quoted."""
    written = implication("clopidogrel", "32968", "CYP2C19", "Intermediate Metabolizer")
    written["component"][1]["valueCodeableConcept"] = value
    written["note"] = [{"text": "Intermediate metabolizer: avoid clopidogrel."}]
    found = findings(patient(), *genes(written), CLOPIDOGREL)
    assert found.choices == ()
    quoted = alert(found, "genomics-report")
    assert "CYP2C19: a phenotype that the rules do not know" in quoted.detail
    assert "Intermediate metabolizer: avoid clopidogrel." in quoted.detail


def test_a_phenotype_in_words_beside_a_normal_one_is_quoted() -> None:
    """LOINC has no answer for some of CPIC's terms: an older version wrote those in words."""
    written = implication("azathioprine", "1256", "TPMT", "Normal Metabolizer", answer="LA25391-6")
    azathioprine = order("azathioprine", "1256")
    assert findings(patient(), *genes(written), azathioprine).silent

    second = {**written["component"][1]}
    second["valueCodeableConcept"] = {"text": "NUDT15 Possible Intermediate Metabolizer"}
    written["component"].append(second)
    quoted = alert(findings(patient(), *genes(written), azathioprine), "genomics-report")
    assert "normal metabolizer, a phenotype that the rules do not know" in quoted.detail

    second["valueCodeableConcept"] = phenotype_value("NUDT15", "Indeterminate")
    assert findings(patient(), *genes(written), azathioprine).silent


def test_a_recommendation_that_no_rule_covers_is_quoted_unless_it_changes_nothing() -> None:
    quoted = implication(
        "omeprazole", "7646", "CYP2C19", "Ultrarapid Metabolizer", answer="LA10315-2"
    )
    found = findings(patient(), *genes(quoted), order("omeprazole", "7646"))
    assert alert(found, "genomics-report").detail.count("What CPIC says on omeprazole.") == 1
    normal = {**quoted, "interpretation": [{"coding": [{"code": "N"}]}]}
    assert findings(patient(), *genes(normal), order("omeprazole", "7646")).silent


def test_the_code_systems_are_in_careloops_name_space() -> None:
    assert {PHENOTYPE, GENOTYPE} == {
        f"{codes.NS}/CodeSystem/cpic-phenotype",
        f"{codes.NS}/CodeSystem/genotype",
    }
