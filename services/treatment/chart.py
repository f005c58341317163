"""One patient as the rules see her: the record, her medications, and the rules (pure)."""

from dataclasses import dataclass
from typing import Self

from services.treatment.domain import Inputs
from services.treatment.medications import Medications
from services.treatment.rules.tables import Rules


@dataclass(frozen=True)
class Chart:
    """A patient's inputs, the ingredients found in them, and the rules that read them."""

    inputs: Inputs
    medications: Medications
    rules: Rules

    @classmethod
    def of(cls, inputs: Inputs, rules: Rules) -> Self:
        """Find the ingredients in the inputs."""
        return cls(inputs, Medications.of(inputs, rules), rules)
