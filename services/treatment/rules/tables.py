"""The rule set as values (pure).

`model.py` reads the files, `parsing.py` makes the values.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.treatment.findings import Citation, Severity
from services.treatment.rules.ages import Ages
from services.treatment.rules.drugs import Drug
from shared.fhir import codes


@dataclass(frozen=True)
class Option:
    """A drug and a dose among the options of a gene rule.

    Attributes:
        dose: mg each time, `per_day` times; None: the text alone says it.
        fraction: of the ordered dose, (low, high); None: `dose` counts.
    """

    drug: str
    note: str
    citation: Citation
    dose: float | None
    per_day: float | None
    text: str
    fraction: tuple[float, float] | None


@dataclass(frozen=True)
class GeneRule:
    """A rule on one drug or class with one of these phenotypes in one of these genes."""

    id: str
    drug: str
    genes: frozenset[str]
    phenotypes: frozenset[str]
    severity: Severity
    title: str
    effect: str
    advice: str
    goal: str
    citation: Citation
    options: tuple[Option, ...]
    limit_mg: float | None


@dataclass(frozen=True)
class WarfarinRule:
    """The expected maintenance dose of warfarin.

    Attributes:
        range: mg a day, (low, high), by CYP2C9 diplotype and VKORC1 -1639 genotype.
    """

    id: str
    severity: Severity
    title: str
    advice: str
    goal: str
    citation: Citation
    guideline: Citation
    range: Mapping[str, Mapping[str, Sequence[float]]]


@dataclass(frozen=True)
class Interaction:
    """A pair of drugs or classes.

    Attributes:
        daily_over: a drug and the mg a day above which the pair matters.
    """

    id: str
    a: frozenset[str]
    b: frozenset[str]
    severity: Severity
    effect: str
    advice: str
    citation: Citation
    daily_over: tuple[str, float] | None


@dataclass(frozen=True)
class AllergyRule:
    """An allergy to a class of drugs, and how it is recognised.

    Attributes:
        against: the class that it speaks against, `crosses` in the table; else the class itself.
    """

    name: str
    against: str
    codes: frozenset[str]
    words: tuple[str, ...]
    severity: Severity
    advice: str
    citation: Citation


@dataclass(frozen=True)
class Contraindication:
    """An age or a problem against a drug.

    A problem is recognised by SNOMED CT, by ICD-10 prefix or by words.
    """

    drug: str
    reason: str
    citation: Citation
    age_from: int | None
    snomed: frozenset[str]
    icd10: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Limit:
    """A limit of a laboratory value for some drugs.

    A value beyond it needs attention: value > `over`, or `at_least` <= value < `below`.
    """

    id: str
    drugs: frozenset[str]
    measure: str
    severity: Severity
    effect: str
    advice: str
    citation: Citation
    over: float | None
    below: float | None
    at_least: float | None


@dataclass(frozen=True)
class FollowUpRule:
    """The assessment after an imaging finding, unless a drug of the class is ordered."""

    id: str
    finding: str
    unless_class: str
    title: str
    order: str
    effect: str
    advice: str
    goal: str
    citation: Citation


@dataclass(frozen=True)
class Rules:
    """All rules.

    Attributes:
        digest: of the files, `sha256:...`.
    """

    digest: str
    drugs: Mapping[str, Drug]
    citations: Mapping[str, Citation]
    genes: tuple[GeneRule, ...]
    warfarin: WarfarinRule
    interactions: tuple[Interaction, ...]
    duplicate_classes: tuple[str, ...]
    duplicate_citation: Citation
    allergies: tuple[AllergyRule, ...]
    contraindications: tuple[Contraindication, ...]
    measures: Mapping[str, frozenset[str]]
    limits: tuple[Limit, ...]
    follow_ups: tuple[FollowUpRule, ...]
    ages: Ages

    @cached_property
    def loinc(self) -> frozenset[str]:
        """List the laboratory codes of the rules."""
        return frozenset().union(*self.measures.values())

    @cached_property
    def by_rxnorm(self) -> Mapping[str, Drug]:
        """Map ingredient codes and known product codes to drugs."""
        return {
            code: drug for drug in self.drugs.values() for code in (drug.rxnorm, *drug.products)
        }

    @cached_property
    def _words(self) -> Mapping[str, tuple[Drug, ...]]:
        named: dict[str, tuple[Drug, ...]] = {}
        for drug in self.drugs.values():
            for word in (drug.name, *drug.names):
                named[word] = (*named.get(word, ()), drug)
        return named

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self._words, key=len, reverse=True)
        return re.compile(
            rf"(?<![\w-])({'|'.join(map(re.escape, longest_first))})(?![\w-])", re.IGNORECASE
        )

    def drugs_of(self, coded: Sequence[str], text: str) -> tuple[Drug, ...]:
        """Find the ingredients of a medication.

        By RxNorm code; where no code is known, by the names in its text.
        """
        found = {d.name: d for c in coded if (d := self._coded(c))}
        if not found:
            hits = self._pattern.findall(text)
            found = {d.name: d for hit in hits for d in self._words[hit.lower()]}

        return tuple(found[name] for name in sorted(found))

    def _coded(self, token: str) -> Drug | None:
        system, _, code = token.rpartition("|")
        return self.by_rxnorm.get(code) if system == codes.RXNORM else None
