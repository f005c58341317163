"""What a proposal or an alert says that it did not look at."""

import pytest

from services.treatment.model import load_rules
from tests.unit.treatment_answer import drawn, findings, genes
from tests.unit.treatment_record import LOOP, implication, order, patient, pneumonia, report

REDUCED = "If it was reduced for this genotype already, change nothing."


def note_of(drug: str) -> str:
    request = drawn(*LOOP)[f"dose-cyp2c19-clopidogrel-{drug}"].resource
    return str(request["note"][0]["text"])


def test_prasugrel_is_proposed_with_what_was_not_checked() -> None:
    asked = "Not checked: a stroke or TIA of the past, bleeding of the past, body weight."
    assert f"{asked} Ask before you choose it." in note_of("prasugrel")


@pytest.mark.parametrize("drug", ["prasugrel", "ticagrelor"])
def test_an_alternative_to_clopidogrel_leaves_loading_dose_and_indication_open(drug: str) -> None:
    assert "Loading dose and time of the first dose are not proposed: decide them." in note_of(drug)
    assert "the recommendation is weaker or absent: check why it is given." in note_of(drug)


def test_every_share_of_a_dose_is_of_the_full_one_alone() -> None:
    shares = [o for rule in load_rules().genes for o in rule.options if o.fraction]
    assert len(shares) >= 5
    assert [o.drug for o in shares if REDUCED not in o.note] == []


@pytest.mark.parametrize(
    ("drug", "rxnorm", "gene"),
    [
        ("azathioprine", "1256", "TPMT"),
        ("fluorouracil", "4492", "DPYD"),
        ("capecitabine", "194000", "DPYD"),
    ],
)
def test_a_proposal_of_a_share_says_so(drug: str, rxnorm: str, gene: str) -> None:
    told = implication(drug, rxnorm, gene, "Intermediate Metabolizer")
    drafts = drawn(patient(), *genes(told), order(drug, rxnorm, mg=100)).values()
    (request,) = [d.resource for d in drafts if d.resource["resourceType"] == "MedicationRequest"]
    assert REDUCED in request["note"][0]["text"]


@pytest.mark.parametrize("drug", ["meropenem", "cefepime", "piperacillin"])
def test_an_antibiotic_that_the_rules_do_not_know_is_not_denied(drug: str) -> None:
    record = (patient(), report("imaging", "i", pneumonia()), pneumonia(), order(drug))
    (asked,) = findings(*record).follow_ups
    known = "no order of an antibiotic that the rules know was found (they know few: check)"
    assert known in " ".join(asked.why)


def test_a_limit_of_careloops_own_and_a_dose_of_no_source_are_said_to_be_so() -> None:
    limits = {limit.id: limit for limit in load_rules().limits}
    assert "5.5 mmol/L is careloop's own limit." in limits["raas-potassium-high"].effect
    assert "halve" not in limits["metformin-egfr-45"].advice
    assert "the dose is your decision" in limits["metformin-egfr-45"].advice
