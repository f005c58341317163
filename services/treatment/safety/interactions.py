"""Interactions of two drugs (pure)."""

from collections.abc import Iterator

from services.treatment.chart import Chart
from services.treatment.findings import Alert, slug
from services.treatment.medications import Ingredient, Medications
from services.treatment.rules.drugs import Drug
from services.treatment.rules.tables import Interaction


def interactions(chart: Chart) -> Iterator[Alert]:
    """Raise one alert for each pair of drugs in a rule.

    It does not matter who ordered them or how often.
    """
    for rule in chart.rules.interactions:
        for first, second in _pairs(rule, chart.medications):
            doubt = dose_doubt(rule, chart.medications)
            if doubt is not None:
                yield _alert(rule, first, second, chart.medications, doubt)


def _pairs(rule: Interaction, medications: Medications) -> list[tuple[str, str]]:
    """List the pairs of drugs of a rule, each pair once."""
    pairs = {
        (a, b)
        for a in medications.of_drugs(*rule.a).names
        for b in medications.of_drugs(*rule.b).names
        if a != b
    }
    # a drug may stand on both sides of a rule: then the pair is there in both orders
    return sorted(pair for pair in pairs if pair[::-1] not in pairs or pair[0] < pair[1])


def _alert(
    rule: Interaction, first: str, second: str, medications: Medications, doubt: str
) -> Alert:
    both = medications.of_drugs(first) + medications.of_drugs(second)
    sentences = (
        f"{both.description}: {rule.effect}",
        rule.advice,
        doubt,
        f"Source: {rule.citation.text}.",
    )

    return Alert(
        key=f"interaction-{slug(rule.id)}-{slug(first)}-{slug(second)}",
        rule=rule.id,
        code="DRG",
        severity=rule.severity,
        title=f"{first} with {second}",
        detail=" ".join(sentence for sentence in sentences if sentence),
        implicated=both.implicated,
        citation=rule.citation,
    )


def partners(rule: Interaction, drug: Drug, medications: Medications) -> Iterator[Ingredient]:
    """Find the other drugs of a rule about this one."""
    for mine, others in ((rule.a, rule.b), (rule.b, rule.a)):
        if drug.is_any_of(mine):
            yield from medications.of_drugs(*others).without(drug)


def dose_doubt(
    rule: Interaction,
    medications: Medications,
    proposed: tuple[str, float | None] | None = None,
) -> str | None:
    """Tell what to add about the dose of a pair; nothing where the dose is no matter.

    None where the dose is low enough for the pair not to matter. `proposed` is a drug that we would
    propose and its daily dose in mg.
    """
    if rule.daily_over is None:
        return ""

    drug, most = rule.daily_over
    of_drug = medications.of_drugs(drug)
    if proposed and proposed[0] == drug:
        daily = proposed[1]
    elif of_drug:
        daily = of_drug.daily_mg
    else:
        # the pair is of another drug of the rule, which has no such limit
        return ""

    if daily is None:
        return f"The dose of {drug} is not known here: it matters above {most:g} mg a day."
    return "" if daily > most else None
