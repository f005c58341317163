"""The same therapy ordered twice (pure)."""

from collections.abc import Iterator

from services.treatment.chart import Chart
from services.treatment.findings import Alert, Citation, slug
from services.treatment.medications import Medications


def duplicates(chart: Chart) -> Iterator[Alert]:
    """Find one drug ordered twice, and two ordered drugs of one class.

    The classes are those that nobody combines. Mentions in notes are not orders.
    """
    ordered, citation = chart.medications.ordered, chart.rules.duplicate_citation

    for name in ordered.names:
        same = ordered.of_drugs(name)
        if len(same.references) > 1:
            sentence = f"{name} is prescribed {len(same.references)} times."
            yield _alert("ingredient", name, sentence, same, citation)

    for group in chart.rules.duplicate_classes:
        of_class = ordered.of_drugs(group)
        if len(of_class.names) > 1:
            sentence = f"{' and '.join(of_class.names)} are both of the class {group}."
            yield _alert("class", group, sentence, of_class, citation)


def _alert(
    kind: str, name: str, sentence: str, medications: Medications, citation: Citation
) -> Alert:
    return Alert(
        key=f"duplicate-{kind}-{slug(name)}",
        rule=f"duplicate-{kind}",
        code="DUPTHPY",
        severity="moderate",
        title=f"Duplicate therapy: {name}",
        detail=f"{sentence} Confirm that this is intended. Source: {citation.text}.",
        implicated=medications.implicated,
        citation=citation,
    )
