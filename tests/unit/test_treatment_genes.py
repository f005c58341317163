"""Gene-guided doses: what is proposed, and what speaks against it."""

import pytest

from services.treatment.domain import Dose
from shared.fhir import codes
from shared.json import Json
from tests.unit.treatment_answer import findings, genes, only_choice
from tests.unit.treatment_record import (
    CLOPIDOGREL,
    CYP2C19,
    LOOP,
    condition,
    implication,
    mention,
    order,
    patient,
    phenotype_value,
    report,
)


def test_an_intermediate_metabolizer_on_clopidogrel_is_offered_another_inhibitor_at_a_dose() -> (
    None
):
    choice = only_choice(*LOOP)
    assert choice.rule == "cyp2c19-clopidogrel"
    assert [(p.drug, p.rxnorm, p.dose) for p in choice.proposals] == [
        ("ticagrelor", "1116632", Dose(90, 90, "mg", 2)),
        ("prasugrel", "613391", Dose(10, 10, "mg", 1)),
    ]
    assert choice.evidence == ("Observation/ti-clopidogrel", "Observation/gt-cyp2c19")
    assert choice.instead_of == ("MedicationRequest/mr-clopidogrel",)
    assert "cpicpgx.org" in choice.citations[0].url


def test_the_report_s_own_citation_goes_with_the_proposal() -> None:
    assert "https://cpicpgx.org/x" in {c.url for c in only_choice(*LOOP).citations}


@pytest.mark.parametrize("phenotype", ["Normal Metabolizer", "Rapid Metabolizer", "Indeterminate"])
def test_other_phenotypes_leave_clopidogrel_alone(phenotype: str) -> None:
    assert (
        findings(
            patient(),
            *genes(implication("clopidogrel", "32968", "CYP2C19", phenotype)),
            CLOPIDOGREL,
        ).choices
        == ()
    )


def test_without_the_drug_the_genes_ask_for_nothing() -> None:
    assert findings(patient(), *genes(*CYP2C19)).silent


@pytest.mark.parametrize(
    ("born", "problem", "why"),
    [
        ("1940-03-01", None, "75"),
        ("1970-03-01", condition("230690007", "Stroke"), "stroke"),
        ("1970-03-01", condition("1", "Old stroke in 2019"), "stroke"),
        (
            "1970-03-01",
            {
                **condition("1", "x"),
                "code": codes.concept("http://hl7.org/fhir/sid/icd-10-cm", "I63.9"),
            },
            "stroke",
        ),
        (
            "1970-03-01",
            {
                **condition("1", "x"),
                "code": codes.concept("http://hl7.org/fhir/sid/icd-10-cm", "Z8673"),
            },
            "stroke",
        ),
    ],
)
def test_what_speaks_against_prasugrel_withholds_it_with_the_reason(
    born: str, problem: Json | None, why: str
) -> None:
    others = [r for r in LOOP if r["resourceType"] != "Patient"]
    choice = only_choice({**patient(), "birthDate": born}, *others, *([problem] if problem else []))
    assert [p.drug for p in choice.proposals] == ["ticagrelor"]
    (withheld,) = choice.withheld
    assert withheld.drug == "prasugrel"
    assert why in withheld.reason


def test_an_unconfirmed_contraindication_counts_and_says_so() -> None:
    choice = only_choice(*LOOP, condition("230690007", "Stroke", verification="unconfirmed"))
    assert "not confirmed" in choice.withheld[0].reason


def test_a_proposal_that_would_interact_gravely_is_withheld_and_a_mild_one_cautioned() -> None:
    choice = only_choice(*LOOP, order("clarithromycin", "21212"))
    assert {w.drug for w in choice.withheld} == {"ticagrelor"}
    cautious = only_choice(*LOOP, order("simvastatin", "36567"))
    ticagrelor = next(p for p in cautious.proposals if p.drug == "ticagrelor")
    assert "40 mg" in ticagrelor.cautions[0]


def test_an_interaction_that_is_there_already_is_a_caution() -> None:
    choice = only_choice(*LOOP, order("warfarin", "11289"))
    assert choice.withheld == ()
    assert all("Bleeding" in p.cautions[0] for p in choice.proposals)


def test_a_drug_that_only_the_note_mentions_is_proposed_for_confirmation() -> None:
    mentioned = mention("clopidogrel", "32968")
    choice = only_choice(patient(), *genes(*CYP2C19), report("notes", "n", mentioned), mentioned)
    assert not choice.ordered
    assert choice.instead_of == ("Observation/mention-clopidogrel",)
    assert any("mentioned in the note, not prescribed: confirm" in w for w in choice.why)


def test_an_order_stands_for_its_mention() -> None:
    mentioned = mention("clopidogrel", "32968")
    assert only_choice(*LOOP, report("notes", "n", mentioned), mentioned).instead_of == (
        "MedicationRequest/mr-clopidogrel",
    )


@pytest.mark.parametrize(
    ("phenotype", "drugs"),
    [
        ("Decreased Function", ["rosuvastatin", "pravastatin", "simvastatin"]),
        ("Poor Function", ["rosuvastatin", "pravastatin"]),
    ],
)
def test_slco1b1_and_simvastatin(phenotype: str, drugs: list[str]) -> None:
    choice = only_choice(
        patient(),
        *genes(implication("simvastatin", "36567", "SLCO1B1", phenotype)),
        order("simvastatin", "36567", mg=40),
    )
    assert [p.drug for p in choice.proposals] == drugs


@pytest.mark.parametrize(("mg", "expected"), [(80, 1), (40, 0), (None, 1)])
def test_atorvastatin_within_the_limit_of_its_phenotype_is_left_alone(
    mg: float | None, expected: int
) -> None:
    found = findings(
        patient(),
        *genes(implication("atorvastatin", "83367", "SLCO1B1", "Decreased Function")),
        order("atorvastatin", "83367", mg=mg),
    )
    assert len(found.choices) == expected


def test_a_fraction_is_of_the_ordered_dose() -> None:
    drug = implication(
        "azathioprine", "1256", "TPMT", "Intermediate Metabolizer", answer="LA10317-8"
    )
    (proposal,) = only_choice(
        patient(), *genes(drug), order("azathioprine", "1256", mg=150)
    ).proposals
    assert proposal.dose == Dose(45, 120, "mg", 1)
    (unknown,) = only_choice(patient(), *genes(drug), order("azathioprine", "1256")).proposals
    assert unknown.dose is None
    assert unknown.text.startswith("30% to 80%")


def test_half_the_dose_of_fluorouracil_keeps_its_unit() -> None:
    dosage = [
        {
            "doseAndRate": [{"doseQuantity": codes.quantity(400, "mg/m2")}],
            "route": {"text": "intravenous"},
        }
    ]
    drug = implication(
        "fluorouracil",
        "4492",
        "DPYD",
        "Intermediate Metabolizer (activity score 1)",
        answer="LA10317-8",
    )
    (proposal,) = only_choice(
        patient(), *genes(drug), order("fluorouracil", "4492", dosageInstruction=dosage)
    ).proposals
    assert proposal.dose == Dose(200, 200, "mg/m2", None)
    assert proposal.route == "intravenous"


def test_a_poor_metabolizer_of_two_genes_gets_the_stricter_rule() -> None:
    drug = implication(
        "azathioprine", "1256", "TPMT", "Intermediate Metabolizer", answer="LA10317-8"
    )
    second = {
        "code": codes.concept(codes.GENOMICS_TBD, "therapeutic-implication"),
        "valueCodeableConcept": phenotype_value("NUDT15", "Poor Metabolizer"),
    }
    drug = {**drug, "component": [*drug["component"], second]}
    choice = only_choice(patient(), *genes(drug), order("azathioprine", "1256", mg=150))
    assert choice.rule == "thiopurine-azathioprine-poor"
    assert choice.proposals == ()
