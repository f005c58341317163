"""The ingredients of the patient's orders and of the drugs in notes (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from services.treatment.domain import Inputs, Medication
from services.treatment.rules.drugs import Drug
from services.treatment.rules.tables import Rules

MOST_NAMED: Final = 10  # orders and mentions of one ingredient


@dataclass(frozen=True)
class Ingredient:
    """One ingredient of one order or mention."""

    drug: Drug
    medication: Medication

    @property
    def name(self) -> str:
        """Name the drug: `clopidogrel`."""
        return self.drug.name

    @property
    def ordered(self) -> bool:
        """Tell whether it is ordered; otherwise only a note mentions it."""
        return self.medication.ordered

    @property
    def reference(self) -> str:
        """Point to the order or the mention."""
        return self.medication.reference

    def is_stale(self, inputs: Inputs, rules: Rules) -> bool:
        """Tell whether it is a mention that is too old."""
        limit = rules.ages.inputs["mention"]
        return not self.ordered and limit.of(self.medication.time, inputs.today) == "stale"

    @property
    def description(self) -> str:
        """Name the drug in a sentence, with a doubt where only a note mentions it."""
        if self.ordered:
            return self.name
        note = "the note" if self.medication.time else "a note of unknown age"
        return f"{self.name} (mentioned in {note}, not prescribed: confirm)"


@dataclass(frozen=True)
class Medications:
    """The known ingredients of a patient's medications, by name, orders first."""

    ingredients: tuple[Ingredient, ...] = ()

    @classmethod
    def of(cls, inputs: Inputs, rules: Rules) -> Self:
        """Find every known ingredient.

        A mention in a note counts only where the drug is not ordered: the order knows better. One
        that is too old does not count.
        """
        every = cls.with_stale(inputs, rules)
        return cls(tuple(i for i in every if not i.is_stale(inputs, rules)))

    @classmethod
    def with_stale(cls, inputs: Inputs, rules: Rules) -> Self:
        """Find every known ingredient, also those of mentions that are too old."""
        found = [
            Ingredient(drug, medication)
            for medication in inputs.medications
            for drug in rules.drugs_of(medication.codes, medication.text)
        ]
        ordered = {i.name for i in found if i.ordered}
        kept = [i for i in found if i.ordered or i.name not in ordered]

        return cls(tuple(sorted(kept, key=lambda i: (i.name, not i.ordered, i.reference))))

    def __iter__(self) -> Iterator[Ingredient]:
        return iter(self.ingredients)

    def __len__(self) -> int:
        return len(self.ingredients)

    def __add__(self, other: Self) -> Self:
        return type(self)((*self.ingredients, *other.ingredients))

    def of_drugs(self, *terms: str) -> Self:
        """Keep these drugs and the drugs of these classes."""
        wanted = frozenset(terms)
        return type(self)(tuple(i for i in self if i.drug.is_any_of(wanted)))

    def without(self, drug: Drug) -> Self:
        """Leave one drug out."""
        return type(self)(tuple(i for i in self if i.drug != drug))

    @property
    def ordered(self) -> Self:
        """Keep what is ordered."""
        return type(self)(tuple(i for i in self if i.ordered))

    @property
    def drugs(self) -> tuple[Drug, ...]:
        """List the drugs, each once, by name."""
        return tuple(sorted({i.drug for i in self}, key=lambda drug: drug.name))

    @property
    def names(self) -> tuple[str, ...]:
        """List the names of the drugs, each once, in the order of the alphabet."""
        return tuple(drug.name for drug in self.drugs)

    @property
    def references(self) -> tuple[str, ...]:
        """List the orders and mentions, each once."""
        return tuple(dict.fromkeys(i.reference for i in self))

    @property
    def implicated(self) -> tuple[str, ...]:
        """List what an alert names: the first few orders and mentions of each drug.

        Notes may mention one drug hundreds of times.
        """
        drugs = dict.fromkeys(i.drug.name for i in self)
        first = (self.of_drugs(drug).references[:MOST_NAMED] for drug in drugs)

        return tuple(dict.fromkeys(reference for some in first for reference in some))

    @property
    def description(self) -> str:
        """Name them in a sentence: `clopidogrel, omeprazole (mentioned ...)`, each once."""
        return ", ".join(dict.fromkeys(i.description for i in self))

    @property
    def statement(self) -> str:
        """Say what is prescribed and what is only mentioned, without a full stop."""
        names, others = self.ordered.names, [i.description for i in self if not i.ordered]
        verb = "is" if len(names) == 1 else "are"
        said = [f"{' and '.join(names)} {verb} prescribed"] if names else []
        return "; ".join((*said, *dict.fromkeys(others)))

    @property
    def daily_mg(self) -> float | None:
        """Add up what these orders come to a day, in mg.

        None where the dose of one of them is not known: the sum may be any.
        """
        doses = {i.reference: i.medication.dose for i in self}.values()
        known = [d.daily for d in doses if d is not None and d.unit == "mg" and d.daily is not None]

        return sum(known) if known and len(known) == len(doses) else None


def unknown_orders(inputs: Inputs, rules: Rules) -> tuple[Medication, ...]:
    """Find the orders of which the rules know no ingredient."""
    orders = (m for m in inputs.medications if m.ordered)
    return tuple(m for m in orders if not rules.drugs_of(m.codes, m.text))


def sentence(words: str) -> str:
    """Begin words as a sentence: `Clopidogrel is prescribed`."""
    return words[:1].upper() + words[1:]
