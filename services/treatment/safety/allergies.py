"""Allergies against drugs, by ingredient and by class (pure)."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from services.treatment.chart import Chart
from services.treatment.domain import Allergy
from services.treatment.findings import RANK, Alert, Citation, slug
from services.treatment.medications import MOST_NAMED, Medications
from services.treatment.record.concepts import has_term
from services.treatment.rules.drugs import Drug
from services.treatment.rules.tables import AllergyRule, Rules


def allergies(chart: Chart) -> Iterator[Alert]:
    """Raise one alert for each drug and each allergy rule against it.

    It does not matter how often an allergy is recorded.
    """
    for drug in chart.medications.drugs:
        recorded: dict[AllergyRule, list[str]] = {}
        for allergy in chart.inputs.allergies:
            if rule := rule_against(drug, allergy, chart.rules):
                recorded.setdefault(rule, []).append(allergy.reference)

        of_drug = chart.medications.of_drugs(drug.name)
        for rule, references in recorded.items():
            yield _alert(rule, references, drug, of_drug)


def _alert(
    rule: AllergyRule, recorded: Sequence[str], drug: Drug, medications: Medications
) -> Alert:
    name = f"allergy-{slug(rule.name)}"

    return Alert(
        key=f"{name}-{slug(drug.name)}",
        rule=name,
        code="ALGY",
        severity=rule.severity,
        title=f"Allergy and {drug.name}",
        detail=(
            f"Allergy recorded ({rule.name}); {medications.statement}. "
            f"{rule.advice} Source: {rule.citation.text}."
        ),
        implicated=(*medications.implicated, *recorded[:MOST_NAMED]),
        citation=rule.citation,
    )


def rule_against(drug: Drug, allergy: Allergy, rules: Rules) -> AllergyRule | None:
    """Find the gravest rule of an allergy against a drug.

    An allergy to the very ingredient is the gravest of all.
    """
    if drug in rules.drugs_of(allergy.codes, allergy.text):
        return _same_ingredient(drug)

    against = [
        rule
        for rule in rules.allergies
        if rule.against in drug.classes and _is_of(allergy, rule, rules)
    ]
    return min(against, key=lambda rule: RANK[rule.severity], default=None)


def _same_ingredient(drug: Drug) -> AllergyRule:
    label = Citation(
        f"{drug.name.capitalize()} US prescribing information, contraindications: known "
        "hypersensitivity",
        f"https://dailymed.nlm.nih.gov/dailymed/search.cfm?query={quote(drug.name)}",
    )
    return AllergyRule(
        name=drug.name,
        against=drug.name,
        codes=frozenset(),
        words=(),
        severity="high",
        advice="Choose another drug, or clarify what the reaction was.",
        citation=label,
    )


def allergies_to(name: str, chart: Chart) -> tuple[str, ...]:
    """List the recorded allergies to a class of drugs, by reference."""
    rules = [r for r in chart.rules.allergies if r.name == name and r.against == name]

    return tuple(
        allergy.reference
        for allergy in chart.inputs.allergies
        if any(_is_of(allergy, rule, chart.rules) for rule in rules)
    )


def _is_of(allergy: Allergy, rule: AllergyRule, rules: Rules) -> bool:
    """Tell whether an allergy is to the class of a rule.

    It is known by a drug of the class, by its code or by its words.
    """
    if any(rule.name in drug.classes for drug in rules.drugs_of(allergy.codes, allergy.text)):
        return True
    return bool(rule.codes & set(allergy.codes)) or has_term(allergy.text, rule.words)
