"""What the rules say about a record: gene-guided doses, interactions, duplicates, allergies,
limits, follow-up of imaging.
"""

from datetime import date

import pytest

from services.treatment.analyze import analyze, find
from services.treatment.domain import Dose
from services.treatment.findings import Alert, Choice, Findings
from services.treatment.model import load, load_rules
from services.treatment.record.hospital import birth_date
from shared.fhir import codes
from shared.json import Json
from tests.unit.treatment_record import (
    CLOPIDOGREL,
    CYP2C19,
    LOOP,
    allergy,
    condition,
    genotype,
    implication,
    inputs_of,
    mention,
    order,
    ours,
    patient,
    phenotype_value,
    pneumonia,
    report,
    resource,
)


def findings(*resources: Json) -> Findings:
    return find(inputs_of(*resources), load_rules())


def genes(*results: Json) -> tuple[Json, ...]:
    return (report("genomics", "gen", *results), *results)


def only_choice(*resources: Json) -> Choice:
    (choice,) = findings(*resources).choices
    return choice


def alert(found: Findings, rule: str) -> Alert:
    (one,) = [a for a in found.alerts if a.rule == rule]
    return one


def rules_of(found: Findings) -> set[str]:
    return {a.rule for a in found.alerts}


# --- genes


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
    assert any("mentioned in the note, not ordered: confirm" in w for w in choice.why)


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
    """A report of an older version has no code: no rule speaks, and its advice is not lost."""
    written = implication("clopidogrel", "32968", "CYP2C19", "Intermediate Metabolizer")
    written["component"][1]["valueCodeableConcept"] = value
    written["note"] = [{"text": "Intermediate metabolizer: avoid clopidogrel."}]
    found = findings(patient(), *genes(written), CLOPIDOGREL)
    assert found.choices == ()
    quoted = alert(found, "genomics-report")
    assert "CYP2C19: a phenotype that the rules do not know" in quoted.detail
    assert "Intermediate metabolizer: avoid clopidogrel." in quoted.detail


def test_a_recommendation_that_no_rule_covers_is_quoted_unless_it_changes_nothing() -> None:
    quoted = implication(
        "omeprazole", "7646", "CYP2C19", "Ultrarapid Metabolizer", answer="LA10315-2"
    )
    found = findings(patient(), *genes(quoted), order("omeprazole", "7646"))
    assert alert(found, "genomics-report").detail.count("What CPIC says on omeprazole.") == 1
    normal = {**quoted, "interpretation": [{"coding": [{"code": "N"}]}]}
    assert findings(patient(), *genes(normal), order("omeprazole", "7646")).silent


# --- drug with drug


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
    assert "not ordered: confirm" in found.detail


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


# --- allergies, imaging


@pytest.mark.parametrize(
    ("recorded", "drug", "rxnorm", "severity"),
    [
        (allergy("Penicillin allergy"), "amoxicillin", "723", "high"),
        (allergy("x", code=codes.concept(codes.SNOMED, "91936005")), "amoxicillin", "723", "high"),
        (allergy("amoxicillin"), "penicillin v", "7984", "high"),
        (allergy("Penicillin allergy"), "cephalexin", "2231", "moderate"),
        (allergy("aspirin"), "aspirin", "1191", "high"),
    ],
)
def test_an_allergy_speaks_against_its_drug_and_its_class(
    recorded: Json, drug: str, rxnorm: str, severity: str
) -> None:
    (found,) = findings(patient(), recorded, order(drug, rxnorm)).alerts
    assert (found.code, found.severity) == ("ALGY", severity)
    assert f"AllergyIntolerance/{recorded['id']}" in found.implicated


def test_an_allergy_to_something_else_says_nothing() -> None:
    assert findings(patient(), allergy("peanuts"), order("amoxicillin", "723")).silent


def test_a_suspected_pneumonia_asks_for_a_clinician_unless_it_is_treated() -> None:
    film = (patient(), report("imaging", "img", pneumonia()), pneumonia())
    (asked,) = findings(*film, allergy("Penicillin allergy")).follow_ups
    assert asked.evidence == ("Observation/finding", "AllergyIntolerance/allergy-Penicillin")
    assert any("penicillin allergy" in w for w in asked.why)
    assert findings(*film, order("amoxicillin", "723")).follow_ups == ()


def test_a_finding_that_is_absent_asks_for_nothing() -> None:
    absent = {**pneumonia(), "interpretation": [{"coding": [{"code": "NEG"}]}]}
    assert findings(patient(), report("imaging", "img", absent), absent).silent


def test_a_rejected_result_says_nothing_any_more() -> None:
    rejected = tuple(
        {**r, "status": "cancelled"} if "gen" in r["id"] or r in CYP2C19 else r for r in LOOP
    )
    assert findings(*rejected).choices == ()


def test_a_dropped_finding_of_an_amended_report_says_nothing_any_more() -> None:
    amended = tuple(
        {**r, "status": "amended"}
        if r["id"] == "gen"
        else {**r, "status": "cancelled"}
        if r in CYP2C19
        else r
        for r in LOOP
    )
    assert findings(*amended).choices == ()


# --- the batch, and what is odd


def test_a_batch_has_one_findings_per_inputs() -> None:
    both = [inputs_of(*LOOP), inputs_of(patient())]
    loud, silent = analyze(both, load())
    assert not loud.silent
    assert silent.silent


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("1940-03-05", date(1940, 3, 5)),
        ("1940-03", date(1940, 3, 1)),
        ("1940", date(1940, 1, 1)),
        ("", None),
        ("1940-13-01", None),
        ("unknown", None),
    ],
)
def test_birth_dates_may_be_partial(said: str, expected: date | None) -> None:
    assert birth_date({"birthDate": said}) == expected


def test_bare_resources_are_read_without_a_guess() -> None:
    bare = [resource(kind, "bare") for kind in ("Condition", "AllergyIntolerance")]
    bare += [
        resource("MedicationRequest", "bare", status="active", intent="order"),
        resource("Observation", "bare", status="final"),
    ]
    odd = resource(
        "DiagnosticReport",
        "odd",
        identifier=ours("genomics"),
        status="preliminary",
        result=[codes.reference("Observation/bare"), {"display": "no reference"}],
    )
    inputs = inputs_of(
        {k: v for k, v in patient().items() if k not in ("birthDate", "gender")}, *bare, odd
    )
    assert (inputs.age, inputs.implications, inputs.measurements) == (None, (), ())
    assert find(inputs, load_rules()).silent
