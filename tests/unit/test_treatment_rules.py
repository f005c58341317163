"""The rule tables: complete, cited, in agreement with CPIC and the shared lexicon."""

import csv

import pytest

from services.genomics.pgx.tables import DATA
from services.treatment.model import TABLES, load, load_rules
from services.treatment.record.genetics import phenotypes
from services.treatment.rules.parsing import parse
from shared.fhir import codes
from shared.terms import drugs
from tests.unit.treatment_record import phenotype_value


def test_rxnorm_codes_agree_with_the_shared_lexicon() -> None:
    lexicon = {
        drug.name: drug.rxnorm for drug in drugs()
    }  # None: it knows the name, and no code that it is sure of
    ours = {d.name: d.rxnorm for d in load_rules().drugs.values()}
    assert {n: c for n, c in ours.items() if (lexicon.get(n) or c) != c} == {}
    assert len({*ours.values()}) == len(ours), "two drugs share a code"


def test_rxnorm_codes_of_cpic_drugs_agree_with_cpic() -> None:
    with (DATA / "pypgx" / "cpic-table.csv").open(encoding="utf-8") as table:
        cpic = {row["Drug"]: row["RxNorm"] for row in csv.DictReader(table)}
    shared = {d.name for d in load_rules().drugs.values()} & set(cpic)
    assert len(shared) > 20
    assert {n: load_rules().drugs[n].rxnorm for n in shared} == {n: cpic[n] for n in shared}


def test_every_rule_has_a_source_that_can_be_looked_up() -> None:
    rules = load_rules()
    cited = [
        r.citation
        for r in (
            *rules.interactions,
            *rules.genes,
            *rules.limits,
            *rules.follow_ups,
            *rules.contraindications,
            *rules.allergies,
        )
    ]
    assert len(rules.interactions) >= 30
    assert all(
        c.text and c.url.startswith("https://")
        for c in (*cited, rules.warfarin.citation, rules.warfarin.guideline)
    )


def test_every_phenotype_of_a_rule_is_one_that_is_read_from_a_report() -> None:
    known = {p for rule in load_rules().genes for p in rule.phenotypes}
    for phenotype in known:
        part = {
            "code": codes.concept(codes.GENOMICS_TBD, "therapeutic-implication"),
            "valueCodeableConcept": phenotype_value("GENE", phenotype.title()),
        }
        assert phenotypes({"component": [part]}) == (phenotype,)


def test_the_card_carries_the_digest_every_source_and_the_limits() -> None:
    model = load()
    assert model.card.digest == model.rules.digest
    assert all(c.url in model.card.card for c in model.rules.citations.values())
    assert "not been evaluated on patients" in model.card.card


@pytest.mark.parametrize("fault", ["unknown drug", "unknown citation", "id twice"])
def test_a_broken_table_is_refused(fault: str) -> None:
    rule = {
        "id": "x",
        "a": ["warfarin"],
        "b": ["nothing"],
        "severity": "high",
        "effect": "",
        "advice": "",
        "citation": "c",
    }
    good = rule | {"b": ["warfarin"]}
    interactions = {
        "unknown drug": [rule],
        "unknown citation": [good | {"citation": "z"}],
        "id twice": [good, good],
    }[fault]
    tables = {name: {} for name in TABLES} | {
        "citations": {"citation": {"c": {"text": "t", "url": "https://x"}}},
        "drugs": {"drugs": {"warfarin": {"rxnorm": "11289", "classes": [], "names": []}}},
        "genes": {
            "rule": [],
            "warfarin": {
                "id": "w",
                "severity": "high",
                "title": "",
                "advice": "",
                "goal": "",
                "citation": "c",
                "guideline": "c",
                "range": {},
            },
        },
        "interactions": {"interaction": interactions},
        "followup": {"followup": []},
        "safety": {
            "duplicates": {"classes": [], "citation_text": "", "citation_url": ""},
            "allergy": [],
            "contraindication": [],
            "measures": {},
            "limit": [],
        },
    }
    with pytest.raises((ValueError, KeyError)):
        parse(tables, "sha256:0", {})
