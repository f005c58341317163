"""The rule set as values, and how the TOML tables become them (pure).

`model.py` reads the files.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from services.treatment.domain import Citation, Severity
from shared.fhir import codes

Table = Mapping[str, Any]


@dataclass(frozen=True)
class Drug:
    """An ingredient: `rxnorm` its code, `products` those of clinical drugs met without a name."""

    name: str
    rxnorm: str
    classes: frozenset[str]
    names: tuple[str, ...]
    products: tuple[str, ...]


@dataclass(frozen=True)
class Option:
    """A dose that a gene rule proposes: `dose` (mg each time, `per_day` times) or `fraction` of the
    ordered one.
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
    """What to do about one drug (or class) with one of these phenotypes in one of these genes."""

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
    """Expected maintenance dose in mg a day: (low, high) by CYP2C9 diplotype and VKORC1 -1639
    genotype.
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
    """A pair of drugs or classes; `daily_over`: (drug, mg a day) above which it matters."""

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
    """An allergy to a class, how it is recognised, and the class that it speaks against (`crosses`;
    default: itself).
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
    """What speaks against proposing a drug: an age, or a problem by SNOMED CT, ICD-10 prefix or
    words.
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
    """A laboratory value beyond which a drug needs attention: value > `over`, or `from_` <= value <
    `below`.
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
    from_: float | None


@dataclass(frozen=True)
class FollowUpRule:
    """What an imaging finding asks for, unless a drug of the class is ordered."""

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
    """The whole rule set. `digest` is that of the files, `sha256:...`."""

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

    @cached_property
    def loinc(self) -> frozenset[str]:
        """The laboratory codes that a rule asks for."""
        return frozenset().union(*self.measures.values())

    @cached_property
    def by_rxnorm(self) -> Mapping[str, Drug]:
        """Drugs by ingredient code and by known product code."""
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
        """The ingredients of a medication: by RxNorm code, and where no code is known by the names
        in its text.
        """
        found = {d.name: d for c in coded if (d := self._coded(c))}
        if not found:
            found = {
                d.name: d for hit in self._pattern.findall(text) for d in self._words[hit.lower()]
            }
        return tuple(found[name] for name in sorted(found))

    def _coded(self, token: str) -> Drug | None:
        system, _, code = token.rpartition("|")
        return self.by_rxnorm.get(code) if system == codes.RXNORM else None


def matches(drug: Drug, terms: frozenset[str]) -> bool:
    """The drug, or one of its classes, is among the terms of a rule."""
    return drug.name in terms or bool(drug.classes & terms)


def parse(tables: Mapping[str, Table], digest: str, names: Mapping[str, Sequence[str]]) -> Rules:
    """The rule set of the tables, by file name without its ending; `names` are further names of a
    drug by RxNorm code, lower case.

    Raises:
        KeyError, ValueError: a table is incomplete, names an unknown citation, drug or class, or
            uses an id twice.
    """
    sources = {
        name: Citation(c["text"], c["url"]) for name, c in tables["citations"]["citation"].items()
    }
    genes, safety = tables["genes"], tables["safety"]
    duplicates = safety["duplicates"]
    rules = Rules(
        digest=digest,
        drugs={
            name: _drug(name, d, names.get(d["rxnorm"], ()))
            for name, d in tables["drugs"]["drugs"].items()
        },
        citations=sources,
        genes=tuple(_gene_rule(r, sources) for r in genes["rule"]),
        warfarin=_warfarin(genes["warfarin"], sources),
        interactions=tuple(_interaction(i, sources) for i in tables["interactions"]["interaction"]),
        duplicate_classes=tuple(duplicates["classes"]),
        duplicate_citation=Citation(duplicates["citation_text"], duplicates["citation_url"]),
        allergies=tuple(_allergy(a, sources) for a in safety["allergy"]),
        contraindications=tuple(_contraindication(c, sources) for c in safety["contraindication"]),
        measures={name: frozenset(m["loinc"]) for name, m in safety["measures"].items()},
        limits=tuple(_limit(item, sources) for item in safety["limit"]),
        follow_ups=tuple(_follow_up(f, sources) for f in tables["followup"]["followup"]),
    )
    _check(rules)
    return rules


def _drug(name: str, table: Table, names: Sequence[str]) -> Drug:
    others = dict.fromkeys((*table["names"], *names))
    return Drug(
        name,
        table["rxnorm"],
        frozenset(table["classes"]),
        tuple(n for n in others if n != name),
        tuple(table.get("products", ())),
    )


def _option(table: Table, sources: Mapping[str, Citation]) -> Option:
    fraction = table.get("fraction")
    return Option(
        drug=table["drug"],
        note=table["note"],
        citation=sources[table["citation"]],
        dose=table.get("dose"),
        per_day=table.get("per_day"),
        text=table.get("text", ""),
        fraction=(fraction[0], fraction[1]) if fraction else None,
    )


def _gene_rule(table: Table, sources: Mapping[str, Citation]) -> GeneRule:
    plain = {k: table[k] for k in ("id", "drug", "severity", "title", "effect", "advice", "goal")}
    return GeneRule(
        **plain,
        genes=frozenset(table["genes"]),
        phenotypes=frozenset(table["phenotypes"]),
        citation=sources[table["citation"]],
        options=tuple(_option(o, sources) for o in table["options"]),
        limit_mg=table.get("limit_mg"),
    )


def _warfarin(table: Table, sources: Mapping[str, Citation]) -> WarfarinRule:
    plain = {k: table[k] for k in ("id", "severity", "title", "advice", "goal", "range")}
    return WarfarinRule(
        **plain, citation=sources[table["citation"]], guideline=sources[table["guideline"]]
    )


def _interaction(table: Table, sources: Mapping[str, Citation]) -> Interaction:
    plain = {k: table[k] for k in ("id", "severity", "effect", "advice")}
    over = table.get("daily_over")
    return Interaction(
        **plain,
        a=frozenset(table["a"]),
        b=frozenset(table["b"]),
        citation=sources[table["citation"]],
        daily_over=(over["drug"], over["mg"]) if over else None,
    )


def _allergy(table: Table, sources: Mapping[str, Citation]) -> AllergyRule:
    return AllergyRule(
        name=table["class"],
        against=table.get("crosses", table["class"]),
        codes=frozenset(table["codes"]),
        words=tuple(table["words"]),
        severity=table["severity"],
        advice=table["advice"],
        citation=sources[table["citation"]],
    )


def _contraindication(table: Table, sources: Mapping[str, Citation]) -> Contraindication:
    return Contraindication(
        drug=table["drug"],
        reason=table["reason"],
        citation=sources[table["citation"]],
        age_from=table.get("age_from"),
        snomed=frozenset(table.get("snomed", ())),
        icd10=tuple(table.get("icd10", ())),
        words=tuple(table.get("words", ())),
    )


def _limit(table: Table, sources: Mapping[str, Citation]) -> Limit:
    plain = {k: table[k] for k in ("id", "measure", "severity", "effect", "advice")}
    return Limit(
        **plain,
        drugs=frozenset(table["drugs"]),
        citation=sources[table["citation"]],
        over=table.get("over"),
        below=table.get("below"),
        from_=table.get("from"),
    )


def _follow_up(table: Table, sources: Mapping[str, Citation]) -> FollowUpRule:
    plain = {
        k: table[k]
        for k in ("id", "finding", "unless_class", "title", "order", "effect", "advice", "goal")
    }
    return FollowUpRule(**plain, citation=sources[table["citation"]])


def _terms(rules: Rules) -> Iterator[str]:
    """Every drug or class that a rule names."""
    for interaction in rules.interactions:
        yield from interaction.a | interaction.b
    for limit in rules.limits:
        yield from limit.drugs
    for rule in rules.genes:
        yield rule.drug
        yield from (o.drug for o in rule.options)
    yield from (c.drug for c in rules.contraindications)
    yield from (a.against for a in rules.allergies)
    yield from (f.unless_class for f in rules.follow_ups)
    yield from rules.duplicate_classes


def _check(rules: Rules) -> None:
    known = set(rules.drugs).union(*(d.classes for d in rules.drugs.values()))
    if unknown := sorted(set(_terms(rules)) - known):
        raise ValueError(f"rules name drugs or classes that drugs.toml does not have: {unknown}")
    if unknown := sorted({item.measure for item in rules.limits} - set(rules.measures)):
        raise ValueError(f"limits name measures that safety.toml does not have: {unknown}")
    ids = [rules.warfarin.id, *(g.id for g in rules.genes), *(i.id for i in rules.interactions)]
    ids += [*(item.id for item in rules.limits), *(f.id for f in rules.follow_ups)]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise ValueError(f"rule ids are used twice: {twice}")
