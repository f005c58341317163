"""One patient's record and medications, with the rules (pure)."""

from dataclasses import dataclass
from typing import Self

from services.treatment.domain import Inputs
from services.treatment.medications import Medications
from services.treatment.rules.tables import Rules


@dataclass(frozen=True)
class Chart:
    """A patient's inputs, the ingredients found in them, and the rules."""

    inputs: Inputs
    medications: Medications
    rules: Rules

    @classmethod
    def of(cls, inputs: Inputs, rules: Rules) -> Self:
        """Find the ingredients in the inputs."""
        return cls(inputs, Medications.of(inputs, rules), rules)
