"""analyze: the rules over one patient's inputs (pure)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.treatment.domain import RANK, Findings, Inputs
from services.treatment.followup import follow_ups
from services.treatment.genes.choices import choices, gene_alerts
from services.treatment.medications import held_by
from services.treatment.rules.tables import Rules
from services.treatment.safety.interactions import alerts

if TYPE_CHECKING:
    from services.treatment.model import Model


def analyze(batch: Sequence[Inputs], model: "Model") -> list[Findings]:
    """Findings for each inputs, in order."""
    return [find(inputs, model.rules) for inputs in batch]


def find(inputs: Inputs, rules: Rules) -> Findings:
    """Everything the rules say about one patient, worst first."""
    held = held_by(inputs, rules)
    chosen = choices(inputs, held, rules)
    raised = {
        a.key: a for a in (*gene_alerts(inputs, held, chosen, rules), *alerts(inputs, held, rules))
    }
    return Findings(
        choices=tuple(sorted(chosen, key=lambda c: (RANK[c.severity], c.rule))),
        alerts=tuple(sorted(raised.values(), key=lambda a: (RANK[a.severity], a.key))),
        follow_ups=tuple(follow_ups(inputs, held, rules)),
        unsigned=tuple(r.reference for r in inputs.reports if r.unsigned),
    )
