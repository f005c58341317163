"""The keys of a plan's drafts: each once.

An answer with a key twice is refused, and the patient gets no plan at all.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.treatment.analyze import find
from services.treatment.findings import Findings
from services.treatment.model import load_rules
from services.treatment.resources import resources
from services.treatment.rules.tables import GeneRule, Rules
from shared.fhir import bundle
from shared.fhir.drafts import Draft
from shared.json import Json
from tests.unit.treatment_answer import PEN
from tests.unit.treatment_record import (
    allergy,
    condition,
    genotype,
    implication,
    inputs_of,
    laboratory,
    mention,
    order,
    patient,
    pneumonia,
    report,
)

RULES = load_rules()
CLASSES = sorted(
    {
        c
        for d in RULES.drugs.values()
        for c in d.classes
        if sum(c in other.classes for other in RULES.drugs.values()) > 1
    }
)


def drawn(record: Sequence[Json], rules: Rules = RULES) -> tuple[Findings, list[Draft]]:
    inputs = inputs_of(*record)
    findings = find(inputs, rules)
    drafts = resources(inputs, findings, PEN)
    assert {k: n for k, n in Counter(d.key for d in drafts).items() if n > 1} == {}
    assert bundle.report_of(drafts).resource["resourceType"] == "CarePlan"
    return findings, drafts


def implied(rule: GeneRule, names: Sequence[str], *, of: str = "gen") -> list[Json]:
    """A genomics report's advice on these drugs, with every phenotype of the rule."""
    gene, phenotypes = min(rule.genes), sorted(rule.phenotypes)
    return [
        implication(name, RULES.drugs[name].rxnorm, gene, phenotype)
        | {"id": f"ti-{of}-{rule.id}-{name.replace(' ', '-')}-{number}"}
        for name in names
        for number, phenotype in enumerate(phenotypes)
    ]


def on(rule: GeneRule, names: Sequence[str]) -> tuple[Json, ...]:
    """A record for the rule, with all these drugs."""
    advice = implied(rule, names)
    return (
        patient(),
        report("genomics", "gen", *advice),
        *advice,
        *(
            order(name, RULES.drugs[name].rxnorm, id=f"mr-{name.replace(' ', '-')}")
            for name in names
        ),
    )


def test_no_fluorouracil_and_no_capecitabine_for_one_who_has_both() -> None:
    (rule,) = [r for r in RULES.genes if r.id == "dpyd-fluoropyrimidine-poor"]
    advice = implied(rule, ["capecitabine", "fluorouracil"])
    mentioned = mention("5-FU", RULES.drugs["fluorouracil"].rxnorm)
    record = (
        patient(),
        report("genomics", "gen", *advice),
        *advice,
        order("capecitabine", "194000"),
        report("notes", "n", mentioned),
        mentioned,
    )
    findings, drafts = drawn(record)
    assert [(c.drug, c.rule) for c in findings.choices] == [
        ("capecitabine", rule.id),
        ("fluorouracil", rule.id),
    ]
    plan = drafts[-1].resource
    described = [a["detail"]["description"] for a in plan["activity"]]
    assert [
        name
        for name in ("capecitabine", "fluorouracil")
        if any(f"here {name}." in text for text in described)
    ] == ["capecitabine", "fluorouracil"]
    issues = [d.resource for d in drafts if d.key.startswith("gene-dpyd")]
    assert [i["implicated"][0]["reference"] for i in issues] == [
        "MedicationRequest/mr-capecitabine",
        "Observation/mention-5-FU",
    ]
    assert all("fatal toxicity" in i["detail"] for i in issues)
    (goal,) = [d.resource for d in drafts if d.resource["resourceType"] == "Goal"]
    assert {a["reference"] for a in goal["addresses"]} == {f"Observation/{r['id']}" for r in advice}


def test_one_order_of_both_drugs_of_a_class_speaks_of_both() -> None:
    (rule,) = [r for r in RULES.genes if r.id == "dpyd-fluoropyrimidine-poor"]
    advice = implied(rule, ["capecitabine", "fluorouracil"])
    either = order("x", medicationCodeableConcept={"text": "capecitabine or fluorouracil"})
    findings, _ = drawn((patient(), report("genomics", "gen", *advice), *advice, either))
    assert {a.key for a in findings.alerts if a.code == "GEN"} == {
        f"gene-{rule.id}-capecitabine",
        f"gene-{rule.id}-fluorouracil",
    }


@pytest.mark.parametrize(
    "rule", [r for r in RULES.genes if r.drug not in RULES.drugs], ids=lambda r: r.id
)
def test_every_rule_about_a_class_speaks_on_every_drug_of_it_at_once(rule: GeneRule) -> None:
    names = sorted(d.name for d in RULES.drugs.values() if rule.drug in d.classes)
    assert len(names) > 1
    findings, _ = drawn(on(rule, names))
    assert [c.drug for c in findings.choices if c.rule == rule.id] == names


@pytest.mark.parametrize("term", CLASSES)
def test_any_rule_could_be_about_a_class(term: str) -> None:
    """The options of each rule, offered to every drug of a class.

    Requests and groups, too, keep their keys apart.
    """
    names = sorted(d.name for d in RULES.drugs.values() if term in d.classes)[:3]
    for rule in RULES.genes:
        about = replace(rule, drug=term, limit_mg=None)
        findings, drafts = drawn(on(about, names), replace(RULES, genes=(about,)))
        assert [c.drug for c in findings.choices] == names
        assert {len(c.proposals) + len(c.withheld) for c in findings.choices} == {len(rule.options)}
        assert sum(d.resource["resourceType"] == "MedicationRequest" for d in drafts) == sum(
            len(c.proposals) for c in findings.choices
        )


def test_everything_at_once_and_from_two_sources_each() -> None:
    """Everything in the tables, twice.

    Every drug is ordered twice and mentioned, every phenotype of every rule stands in two reports;
    every problem, allergy and laboratory value is there twice.
    """
    one, two = (
        [i for r in RULES.genes for i in implied(r, sorted(_speaks_on(r)), of=of)]
        for of in ("a", "b")
    )
    stars = [
        genotype(gene, value, id=f"gt-{gene}-{n}")
        for n in (1, 2)
        for gene, value in (("CYP2C9", "*1/*3"), ("VKORC1", "-1639G/-1639A"))
    ]
    orders = [
        order(d.name, d.rxnorm, id=f"mr-{n}-{d.rxnorm}")
        for d in RULES.drugs.values()
        for n in (1, 2)
    ]
    mentions = [mention(d.name.replace(" ", "-"), d.rxnorm) for d in RULES.drugs.values()]
    labs = [
        laboratory(loinc, 700.0, "1", f"2026-03-0{n}", id=f"lab-{n}-{loinc}")
        for loinc in sorted(RULES.loinc)
        for n in (1, 2)
    ]
    problems = [
        condition(code, "Stroke", id=f"c-{n}-{code}")
        for item in RULES.contraindications
        for code in item.snomed
        for n in (1, 2)
    ]
    allergies = [
        allergy(rule.words[0]) | {"id": f"al-{n}-{at}"}
        for at, rule in enumerate(RULES.allergies)
        for n in (1, 2)
    ]
    reports = (
        report("genomics", "a", *one, *stars),
        report("genomics", "b", *two),
        report("notes", "n", *mentions),
        report("imaging", "i", pneumonia()),
    )
    findings, _ = drawn(
        (
            patient(),
            *reports,
            *one,
            *two,
            *stars,
            *mentions,
            pneumonia(),
            *orders,
            *labs,
            *problems,
            *allergies,
        )
    )
    assert {c.drug for c in findings.choices} == {
        "warfarin",
        *(name for r in RULES.genes for name in _speaks_on(r)),
    }
    assert {a.code for a in findings.alerts} == {"GEN", "DRG", "DUPTHPY", "ALGY", "DOSE"}


def _speaks_on(rule: GeneRule) -> set[str]:
    return {d.name for d in RULES.drugs.values() if d.name == rule.drug or rule.drug in d.classes}
