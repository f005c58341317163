"""Alerts on genes and drugs: by our rules, and by the reports' own advice (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from services.treatment.chart import Chart
from services.treatment.domain import Implication
from services.treatment.findings import Alert, Choice, Citation, slug
from services.treatment.medications import Medications

GUIDANCE: Final = "The guideline that the genomics report cites"
UNREMARKABLE: Final = frozenset({"normal metabolizer", "normal function"})


def gene_alerts(chart: Chart, choices: Sequence[Choice]) -> Iterator[Alert]:
    """Raise an alert for each choice and for other advice of the reports.

    The advice is quoted where no rule of ours covers it.
    """
    for choice in choices:
        yield _alert(choice)

    covered = {reference for choice in choices for reference in choice.evidence}
    quoted: dict[str, Alert] = {}
    for implication in chart.inputs.implications:
        drug = chart.rules.by_rxnorm.get(implication.drug)
        medications = chart.medications.of_drugs(drug.name) if drug else Medications()

        if medications and implication.reference not in covered and _worth_quoting(implication):
            alert = _quotation(implication, medications)
            quoted[alert.key] = _both(quoted[alert.key], alert) if alert.key in quoted else alert
    yield from quoted.values()


def _alert(choice: Choice) -> Alert:
    source = choice.citations[0]

    return Alert(
        key=f"gene-{slug(choice.rule)}-{slug(choice.drug)}",
        rule=choice.rule,
        code="GEN",
        severity=choice.severity,
        title=choice.title,
        detail=" ".join((*choice.why, choice.advice, f"Source: {source.text}.")),
        implicated=choice.instead_of,
        citation=source,
        evidence=choice.evidence,
    )


def _worth_quoting(implication: Implication) -> bool:
    """Tell whether a report marks an implication as abnormal and says what to do.

    Its phenotype may be one that no rule knows.
    """
    known = bool(implication.phenotypes) and not implication.uncoded
    normal = known and set(implication.phenotypes) <= UNREMARKABLE

    return implication.remarkable and not normal and bool(implication.recommendation)


def _quotation(implication: Implication, medications: Medications) -> Alert:
    name = medications.ingredients[0].name
    citation = Citation(implication.citation or GUIDANCE, implication.url)

    return Alert(
        key=f"gene-report-{slug('-'.join(implication.genes) or 'gene')}-{slug(name)}",
        rule="genomics-report",
        code="GEN",
        severity="moderate",
        title=f"Genes and {name}",
        detail=(
            f"{implication.description}; {medications.statement}. "
            f"The report says: {implication.recommendation} Source: {citation.text}."
        ),
        implicated=medications.implicated,
        citation=citation,
        evidence=(implication.reference,),
    )


def _both(first: Alert, second: Alert) -> Alert:
    """Join the advice of two reports on the same genes and drug.

    They may contradict each other: both are quoted.
    """
    detail = first.detail if second.detail in first.detail else f"{first.detail} {second.detail}"
    evidence = tuple(dict.fromkeys((*first.evidence, *second.evidence)))

    return replace(first, detail=detail, evidence=evidence)
