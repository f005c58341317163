"""Records with something twice: nothing is lost, a contradiction decides nothing."""

import pytest

from services.treatment.findings import Findings
from shared.json import Json
from tests.unit import treatment_answer
from tests.unit.treatment_answer import alert
from tests.unit.treatment_record import (
    allergy,
    genotype,
    implication,
    order,
    patient,
    report,
)


def findings(*record: Json) -> Findings:
    """Apply the rules to the patient with this record."""
    return treatment_answer.findings(patient(), *record)


def test_two_reports_on_the_same_genes_and_drug_are_both_quoted() -> None:
    rapid = implication(
        "omeprazole", "7646", "CYP2C19", "Ultrarapid Metabolizer", answer="LA10315-2"
    )
    poor = {
        **implication("omeprazole", "7646", "CYP2C19", "Poor Metabolizer", answer="LA9657-3"),
        "id": "second",
        "note": [{"text": "Halve the dose."}],
    }
    found = findings(
        report("genomics", "a", rapid),
        rapid,
        report("genomics", "b", poor),
        poor,
        order("omeprazole", "7646"),
    )
    quoted = alert(found, "genomics-report")
    assert quoted.evidence == ("Observation/ti-omeprazole", "Observation/second")
    assert all(
        words in quoted.detail
        for words in (
            "ultrarapid metabolizer",
            "What CPIC says on omeprazole.",
            "poor metabolizer",
            "Halve the dose.",
        )
    )


def test_a_recommendation_whose_phenotype_no_rule_knows_is_quoted() -> None:
    known = implication("allopurinol", "519", "HLA-B", "*58:01 positive")
    found = findings(report("genomics", "a", known), known, order("allopurinol", "519"))
    assert "What CPIC says on allopurinol." in alert(found, "genomics-report").detail
    normal = {**known, "interpretation": [{"coding": [{"code": "N"}]}]}
    assert findings(report("genomics", "a", normal), normal, order("allopurinol", "519")).silent


def test_warfarin_is_not_dosed_by_one_of_two_genotypes_that_differ() -> None:
    one, other, vkorc1 = (
        genotype("CYP2C9", "*1/*1", id="g1"),
        genotype("CYP2C9", "*3/*3", id="g2"),
        genotype("VKORC1", "-1639G/-1639A"),
    )
    same = genotype("CYP2C9", "*1/*1", id="g3")
    ordered = order("warfarin", "11289")
    twice = findings(
        report("genomics", "a", one, vkorc1),
        one,
        vkorc1,
        report("genomics", "b", same),
        same,
        ordered,
    )
    assert [c.drug for c in twice.choices] == ["warfarin"]
    assert (
        findings(
            report("genomics", "a", one, vkorc1),
            one,
            vkorc1,
            report("genomics", "b", other),
            other,
            ordered,
        ).choices
        == ()
    )


def test_an_allergy_that_is_recorded_twice_names_both_records() -> None:
    twice = [allergy("Penicillin allergy") | {"id": n} for n in ("a", "b")]
    (found,) = findings(*twice, order("amoxicillin", "723")).alerts
    assert found.implicated == (
        "MedicationRequest/mr-amoxicillin",
        "AllergyIntolerance/a",
        "AllergyIntolerance/b",
    )


@pytest.mark.parametrize(
    ("doses", "raised"),
    [((10, 10), False), ((20, 10), True), ((10, None), True), ((20,), False), ((None,), True)],
)
def test_the_doses_of_two_orders_add_up_and_an_unknown_one_is_unknown(
    doses: tuple[float | None, ...], raised: bool
) -> None:
    """Simvastatin with amlodipine matters above 20 mg a day."""
    orders = [order("simvastatin", "36567", mg=mg, id=f"s{n}") for n, mg in enumerate(doses)]
    found = findings(*orders, order("amlodipine", "17767"))
    assert ("simvastatin-amlodipine" in {a.rule for a in found.alerts}) == raised
    if None in doses:
        assert "not known" in alert(found, "simvastatin-amlodipine").detail


def test_a_fraction_is_of_no_one_of_two_orders() -> None:
    """50 mg and 100 mg of azathioprine may be one daily dose in two strengths.

    A third of 50 mg would be a third of a third.
    """
    advice = implication(
        "azathioprine", "1256", "TPMT", "Intermediate Metabolizer", answer="LA10317-8"
    )
    orders = [order("azathioprine", "1256", mg=mg, id=f"a{mg}") for mg in (50, 100)]
    (choice,) = findings(report("genomics", "g", advice), advice, *orders).choices
    assert [(p.dose, p.text) for p in choice.proposals] == [
        (None, "30% to 80% of the usual starting dose")
    ]
    (one,) = findings(report("genomics", "g", advice), advice, orders[1]).choices
    assert one.proposals[0].dose is not None and one.proposals[0].dose.high == 80
