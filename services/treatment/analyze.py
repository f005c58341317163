"""The rules over one patient's inputs (pure)."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from services.treatment.chart import Chart
from services.treatment.domain import Inputs
from services.treatment.findings import RANK, Alert, Choice, Findings
from services.treatment.followup import follow_ups
from services.treatment.genes.alerts import gene_alerts
from services.treatment.genes.choices import gene_choices
from services.treatment.medications import unknown_orders
from services.treatment.rules.tables import Rules
from services.treatment.safety.allergies import allergies
from services.treatment.safety.duplicates import duplicates
from services.treatment.safety.interactions import interactions
from services.treatment.safety.limits import limits
from services.treatment.staleness import stale

if TYPE_CHECKING:
    from services.treatment.model import Model


def analyze(batch: Sequence[Inputs], model: "Model") -> list[Findings]:
    """Find what the rules say on each of these inputs, in order."""
    return [find(inputs, model.rules) for inputs in batch]


def find(inputs: Inputs, rules: Rules) -> Findings:
    """Apply all rules to one patient, worst findings first."""
    chart = Chart.of(inputs, rules)

    choices = gene_choices(chart)
    # a key is a draft's name: of two alerts with one key the later counts
    alerts = {alert.key: alert for alert in _alerts(chart, choices)}

    return Findings(
        choices=tuple(sorted(choices, key=lambda c: (RANK[c.severity], c.rule))),
        alerts=tuple(sorted(alerts.values(), key=lambda a: (RANK[a.severity], a.key))),
        follow_ups=tuple(follow_ups(chart)),
        unsigned=tuple(r.reference for r in inputs.reports if r.unsigned),
        stale=tuple(stale(chart)),
        unknown=unknown_orders(inputs, rules),
    )


def _alerts(chart: Chart, choices: Sequence[Choice]) -> Iterator[Alert]:
    yield from gene_alerts(chart, choices)
    yield from interactions(chart)
    yield from duplicates(chart)
    yield from allergies(chart)
    yield from limits(chart)
