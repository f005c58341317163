"""Objections to a drug in a proposal (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.treatment.chart import Chart
from services.treatment.findings import Citation
from services.treatment.rules.drugs import Drug
from services.treatment.rules.tables import Interaction
from services.treatment.safety.allergies import rule_against
from services.treatment.safety.contraindications import contraindicated
from services.treatment.safety.interactions import dose_doubt, partners


@dataclass(frozen=True)
class Objection:
    """What speaks against proposing a drug; a grave one withholds it."""

    grave: bool
    reason: str
    citation: Citation


def objections(
    drug: Drug, daily_mg: float | None, chart: Chart, *, instead_of: Drug
) -> Iterator[Objection]:
    """Find the objections to a drug at a daily dose.

    It would be taken beside the drugs that stay. An interaction that the replaced drug has just as
    well is a caution, never a reason to withhold: it is there already.
    """
    yield from _contraindications(drug, chart)
    yield from _allergies(drug, chart)

    for rule in chart.rules.interactions:
        yield from _interactions(rule, drug, daily_mg, chart, instead_of)


def _contraindications(drug: Drug, chart: Chart) -> Iterator[Objection]:
    for rule in chart.rules.contraindications:
        remark = contraindicated(rule, chart.inputs) if rule.drug == drug.name else None
        if remark is not None:
            yield Objection(True, f"{rule.reason}{remark}", rule.citation)


def _allergies(drug: Drug, chart: Chart) -> Iterator[Objection]:
    for allergy in chart.inputs.allergies:
        if rule := rule_against(drug, allergy, chart.rules):
            reason = f"an allergy is recorded ({rule.name})"
            yield Objection(rule.severity == "high", reason, rule.citation)


def _interactions(
    rule: Interaction, drug: Drug, daily_mg: float | None, chart: Chart, instead_of: Drug
) -> Iterator[Objection]:
    staying = chart.medications.without(instead_of)
    doubt = dose_doubt(rule, staying, (drug.name, daily_mg))
    if doubt is None:
        return

    present = set(partners(rule, instead_of, staying))
    for other in partners(rule, drug, staying):
        yield Objection(
            grave=rule.severity == "high" and other.ordered and other not in present,
            reason=f"{drug.name} with {other.description}: {rule.effect} {rule.advice}",
            citation=rule.citation,
        )
