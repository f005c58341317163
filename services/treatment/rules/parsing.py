"""How the TOML tables become the rule set (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from services.treatment.findings import Citation
from services.treatment.rules.ages import Ages, MaxAge
from services.treatment.rules.drugs import Drug
from services.treatment.rules.tables import (
    AllergyRule,
    Contraindication,
    FollowUpRule,
    GeneRule,
    Interaction,
    Limit,
    Option,
    Rules,
    WarfarinRule,
)

Table = Mapping[str, Any]
KINDS: Final = frozenset({"genotype", "order", "allergy", "problem", "mention"})


def parse(tables: Mapping[str, Table], digest: str, names: Mapping[str, Sequence[str]]) -> Rules:
    """Make the rule set of the tables.

    Args:
        tables: by file name without its ending.
        digest: that of the files.
        names: further names of a drug by RxNorm code, lower case.

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
        ages=Ages(*(_max_ages(tables["ages"][part], sources) for part in ("inputs", "rules"))),
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
        at_least=table.get("from"),
    )


def _follow_up(table: Table, sources: Mapping[str, Citation]) -> FollowUpRule:
    plain = {
        k: table[k]
        for k in ("id", "finding", "unless_class", "title", "order", "effect", "advice", "goal")
    }
    return FollowUpRule(**plain, citation=sources[table["citation"]])


def _max_ages(table: Table, sources: Mapping[str, Citation]) -> dict[str, MaxAge]:
    return {
        name: MaxAge(
            row.get("days"),
            row["reason"],
            sources[row["citation"]] if "citation" in row else None,
        )
        for name, row in table.items()
    }


def _terms(rules: Rules) -> Iterator[str]:
    """List every drug or class in a rule."""
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
    """Refuse unknown drugs, classes and measures, missing ages, an id used twice."""
    known = set(rules.drugs).union(*(d.classes for d in rules.drugs.values()))
    if unknown := sorted(set(_terms(rules)) - known):
        raise ValueError(f"rules name drugs or classes that drugs.toml does not have: {unknown}")

    if unknown := sorted({item.measure for item in rules.limits} - set(rules.measures)):
        raise ValueError(f"limits name measures that safety.toml does not have: {unknown}")

    aging = {item.id for item in rules.limits} | {f.id for f in rules.follow_ups}
    if unlike := sorted(aging ^ set(rules.ages.rules)):
        raise ValueError(f"ages.toml must name these rules, and no others: {unlike}")
    if unlike := sorted(KINDS ^ set(rules.ages.inputs)):
        raise ValueError(f"ages.toml must name these inputs, and no others: {unlike}")

    ids = [rules.warfarin.id, *(g.id for g in rules.genes), *(i.id for i in rules.interactions)]
    ids += [*(item.id for item in rules.limits), *(f.id for f in rules.follow_ups)]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise ValueError(f"rule ids are used twice: {twice}")
