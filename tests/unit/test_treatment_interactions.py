"""Drugs with drugs: interactions, duplicates, and how a drug is recognised."""

import pytest

from shared.fhir import codes
from tests.unit.treatment_answer import alert, findings, rules_of
from tests.unit.treatment_record import (
    CLOPIDOGREL,
    LOOP,
    inputs_of,
    mention,
    order,
    patient,
    report,
)


def test_clopidogrel_with_omeprazole_is_an_alert_with_its_source() -> None:
    found = alert(findings(*LOOP), "clopidogrel-omeprazole")
    assert (found.code, found.severity) == ("DRG", "high")
    assert set(found.implicated) == {
        "MedicationRequest/mr-clopidogrel",
        "MedicationRequest/mr-omeprazole",
    }
    assert found.citation.text in found.detail
    assert found.citation.url.startswith("https://")


def test_a_stopped_order_raises_no_alert() -> None:
    stopped = {**CLOPIDOGREL, "status": "stopped"}
    assert findings(patient(), stopped, order("omeprazole", "7646")).silent


@pytest.mark.parametrize(("mg", "raised"), [(40, True), (20, False), (None, True)])
def test_a_pair_that_matters_above_a_dose(mg: float | None, raised: bool) -> None:
    found = findings(patient(), order("simvastatin", "36567", mg=mg), order("amlodipine", "17767"))
    assert ("simvastatin-amlodipine" in rules_of(found)) == raised
    if mg is None:
        assert "not known" in alert(found, "simvastatin-amlodipine").detail


def test_a_drug_is_understood_by_product_code_by_name_and_by_brand() -> None:
    for medication in (
        codes.concept(codes.RXNORM, "309362"),
        {"text": "clopidogrel 75 MG Oral Tablet"},
        {"text": "Plavix 75 mg"},
    ):
        found = findings(
            patient(), order("x", medicationCodeableConcept=medication), order("omeprazole", "7646")
        )
        assert "clopidogrel-omeprazole" in rules_of(found)


def test_a_combination_product_is_all_its_ingredients() -> None:
    found = findings(
        patient(), order("Bactrim DS"), order("methotrexate", "6851"), order("warfarin", "11289")
    )
    assert {"methotrexate-trimethoprim", "warfarin-azole"} <= rules_of(found)


def test_a_name_inside_another_word_is_not_a_drug() -> None:
    assert inputs_of(patient(), order("Ultramarine balm")).medications
    assert findings(patient(), order("Ultramarine balm"), order("sertraline", "36437")).silent


def test_a_mentioned_drug_interacts_with_a_word_of_doubt() -> None:
    mentioned = mention("ibuprofen", "5640")
    found = alert(
        findings(patient(), order("warfarin", "11289"), report("notes", "n", mentioned), mentioned),
        "warfarin-nsaid",
    )
    assert found.implicated == ("MedicationRequest/mr-warfarin", "Observation/mention-ibuprofen")
    assert "not prescribed: confirm" in found.detail


def test_duplicates_by_ingredient_and_by_class() -> None:
    twice = findings(
        patient(), order("omeprazole", "7646", id="a"), order("omeprazole", "7646", id="b")
    )
    assert alert(twice, "duplicate-ingredient").implicated == (
        "MedicationRequest/a",
        "MedicationRequest/b",
    )
    classes = findings(patient(), order("simvastatin", "36567"), order("atorvastatin", "83367"))
    assert alert(classes, "duplicate-class").code == "DUPTHPY"
    assert "duplicate-class" not in rules_of(
        findings(patient(), order("lisinopril", "29046"), order("amlodipine", "17767"))
    )
