"""Warfarin by the label's table of genotypes (pure)."""

from collections.abc import Sequence
from typing import Final

from services.treatment.chart import Chart
from services.treatment.domain import Dose, Genotype
from services.treatment.findings import Choice, Proposal, slug
from services.treatment.medications import sentence

CYP2C9: Final = "CYP2C9 "  # how the codes of its genotypes begin
VKORC1: Final = "VKORC1 -1639 "


def warfarin(chart: Chart) -> Choice | None:
    """Find the expected maintenance dose from the CYP2C9 diplotype and VKORC1 -1639.

    None without both, without warfarin, where two reports differ, and where the label's table has
    no such pair.
    """
    medications = chart.medications.of_drugs("warfarin")
    cyp2c9 = _certain(chart.inputs.genotypes, CYP2C9)
    vkorc1 = _certain(chart.inputs.genotypes, VKORC1)
    if not medications or cyp2c9 is None or vkorc1 is None:
        return None

    rule = chart.rules.warfarin
    by_vkorc1 = rule.range.get(cyp2c9.certain.removeprefix(CYP2C9), {})
    limits = by_vkorc1.get(vkorc1.certain.removeprefix(VKORC1))
    if limits is None:
        return None

    return Choice(
        key=slug(rule.id),
        rule=rule.id,
        drug="warfarin",
        title=rule.title,
        severity=rule.severity,
        why=(
            f"Genotype: {cyp2c9.certain}, {vkorc1.certain}.",
            f"{sentence(medications.statement)}.",
        ),
        advice=rule.advice,
        goal=rule.goal,
        evidence=(cyp2c9.reference, vkorc1.reference),
        instead_of=medications.references,
        ordered=bool(medications.ordered),
        citations=(rule.citation, rule.guideline),
        proposals=(_proposal(chart, float(limits[0]), float(limits[1])),),
    )


def _proposal(chart: Chart, low: float, high: float) -> Proposal:
    rule = chart.rules.warfarin

    return Proposal(
        key=f"dose-{slug(rule.id)}-warfarin",
        drug="warfarin",
        rxnorm=chart.rules.drugs["warfarin"].rxnorm,
        dose=Dose(low, high, "mg", 1),
        text=f"{low:g} to {high:g} mg a day, then by INR",
        note=rule.advice,
        citations=(rule.citation, rule.guideline),
    )


def _certain(genotypes: Sequence[Genotype], prefix: str) -> Genotype | None:
    """Find the one certain genotype of a gene.

    None where two reports are certain of different ones.
    """
    certain = [g for g in genotypes if g.certain.startswith(prefix)]

    return certain[0] if len({g.certain for g in certain}) == 1 else None
