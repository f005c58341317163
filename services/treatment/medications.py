"""Which ingredients the patient has, and from where we know (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.treatment.domain import Inputs, Medication
from services.treatment.rules.tables import Drug, Rules, matches

MOST_NAMED: Final = 10  # orders and mentions of one ingredient


@dataclass(frozen=True)
class Held:
    """One ingredient of one medication."""

    drug: Drug
    medication: Medication

    @property
    def said(self) -> str:
        """The drug as a sentence names it: `clopidogrel`, or that a note alone mentions it."""
        return (
            self.drug.name
            if self.medication.ordered
            else f"{self.drug.name} (mentioned in the note, not ordered: confirm)"
        )


def held_by(inputs: Inputs, rules: Rules) -> tuple[Held, ...]:
    """Every known ingredient.

    A mention in a note counts only where the drug is not ordered: the order knows better.
    """
    found = [Held(drug, m) for m in inputs.medications for drug in rules.drugs_of(m.codes, m.text)]
    ordered = {h.drug.name for h in found if h.medication.ordered}
    kept = [h for h in found if h.medication.ordered or h.drug.name not in ordered]
    return tuple(
        sorted(kept, key=lambda h: (h.drug.name, not h.medication.ordered, h.medication.reference))
    )


def those(held: Sequence[Held], *terms: str) -> Iterator[Held]:
    """Of these drugs or classes."""
    wanted = frozenset(terms)
    return (h for h in held if matches(h.drug, wanted))


def references(held: Sequence[Held]) -> tuple[str, ...]:
    """Their orders and mentions, each once."""
    return tuple(dict.fromkeys(h.medication.reference for h in held))


def named(held: Sequence[Held]) -> tuple[str, ...]:
    """What an alert names of them: of each ingredient the first few, since notes may mention it
    hundreds of times.
    """
    drugs = dict.fromkeys(h.drug.name for h in held)
    return tuple(
        dict.fromkeys(
            ref
            for drug in drugs
            for ref in references([h for h in held if h.drug.name == drug])[:MOST_NAMED]
        )
    )


def names(held: Sequence[Held]) -> str:
    """`clopidogrel, omeprazole (mentioned ...)`, each ingredient once."""
    return ", ".join(dict.fromkeys(h.said for h in held))


def daily_mg(held: Sequence[Held]) -> float | None:
    """What all these orders come to a day, in mg; None where one of them does not tell: the sum may
    be any.
    """
    doses = {h.medication.reference: h.medication.dose for h in held}.values()
    known = [d.daily for d in doses if d is not None and d.unit == "mg" and d.daily is not None]
    return sum(known) if known and len(known) == len(doses) else None
