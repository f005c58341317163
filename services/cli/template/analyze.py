"""Inputs -> Findings (pure)."""

from collections.abc import Sequence

from services.cli.template.domain import Findings, Inputs
from services.cli.template.model import Model
from shared.errors import NotAnalysed


def analyze(batch: Sequence[Inputs], _model: Model) -> list[Findings | NotAnalysed]:
    """Analyse a batch: one result per input, in order. Your model goes here."""
    return [_one(inputs) for inputs in batch]


def _one(inputs: Inputs) -> Findings | NotAnalysed:
    words = len(inputs.text.split())
    return Findings(words) if words else NotAnalysed("The value holds no word.")
