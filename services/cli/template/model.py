"""The model: here a rule.

Import torch and the like in this module and nowhere else.
"""

from dataclasses import dataclass
from pathlib import Path

from shared.answers import digest
from shared.service import ModelCard
from shared.settings import Settings

CARD = Path(__file__).with_name("card.md")
VERSION = "0.1.0"


@dataclass(frozen=True)
class Model:
    """The rule and its card."""

    card: ModelCard


def load(_settings: Settings) -> Model:
    """Load the model; called once per process."""
    text = CARD.read_text(encoding="utf-8")
    identity = f"sha256:{digest(VERSION, text)}"
    card = ModelCard(
        name="template-rule",
        title="Template: counts words",
        version=VERSION,
        digest=identity,
        card=text,
    )
    return Model(card)
