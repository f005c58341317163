"""A drug as the rules know it (pure)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Drug:
    """One ingredient.

    Attributes:
        rxnorm: RxNorm's code of the ingredient.
        names: other names, in lower case.
        products: codes of clinical drugs that charts write without a name.
    """

    name: str
    rxnorm: str
    classes: frozenset[str]
    names: tuple[str, ...]
    products: tuple[str, ...]

    def is_any_of(self, terms: frozenset[str]) -> bool:
        """Tell whether the drug or one of its classes is among the terms of a rule."""
        return self.name in terms or bool(self.classes & terms)
