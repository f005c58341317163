"""Gene rules: what the genes of a patient say about the drugs that the patient has (pure).

A drug that would be proposed is held against the contraindications, the allergies and the
interactions first: what speaks gravely against it withholds it, with the reason; what speaks mildly
against it goes with it as a caution.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.treatment.domain import (
    Alert,
    Choice,
    Citation,
    Dose,
    Genotype,
    Implication,
    Inputs,
    Medication,
    Proposal,
    Withheld,
    slug,
)
from services.treatment.medications import Held, daily_mg, named, names, references, those
from services.treatment.rules.tables import GeneRule, Option, Rules
from services.treatment.safety import interactions as safety

GUIDANCE: Final = "The guideline that the genomics report cites"
UNREMARKABLE: Final = frozenset({"normal metabolizer", "normal function"})
CYP2C9: Final = "CYP2C9 "  # how the codes of its genotypes begin
VKORC1: Final = "VKORC1 -1639 "


def choices(inputs: Inputs, held: Sequence[Held], rules: Rules) -> tuple[Choice, ...]:
    """One Choice for each gene rule that speaks; of several rules on one drug the first in the
    table, which is the strictest.
    """
    found: dict[str, Choice] = {}
    for rule in rules.genes:
        spoken = [i for i in inputs.implications if _applies(rule, i, rules)]
        for name in sorted({h.drug.name for h in those(held, rule.drug)} - set(found)):
            mine = tuple(those(held, name))
            about = tuple(i for i in spoken if rules.by_rxnorm[i.drug].name == name)
            if about and not _within_limit(rule, mine):
                found[name] = _choice(rule, Chart(inputs, held, rules), mine, about)
    if expected := warfarin(inputs, held, rules):
        found["warfarin"] = expected
    return tuple(found[name] for name in sorted(found))


def gene_alerts(
    inputs: Inputs, held: Sequence[Held], chosen: Sequence[Choice], rules: Rules
) -> Iterator[Alert]:
    """A GEN alert for each Choice, and one for what the report says about a drug that no rule of
    ours covers.
    """
    for choice in chosen:
        detail = " ".join((*choice.why, choice.advice, f"Source: {choice.citations[0].text}."))
        key = f"gene-{slug(choice.rule)}-{slug(choice.drug)}"
        yield Alert(
            key,
            choice.rule,
            "GEN",
            choice.severity,
            choice.title,
            detail,
            choice.instead_of,
            choice.citations[0],
            choice.rests_on,
        )
    covered = {reference for choice in chosen for reference in choice.rests_on}
    quoted: dict[str, Alert] = {}
    for implication in inputs.implications:
        drug = rules.by_rxnorm.get(implication.drug)
        mine = tuple(those(held, drug.name)) if drug else ()
        if mine and implication.reference not in covered and _worth_quoting(implication):
            alert = _quoted(implication, mine)
            quoted[alert.key] = _both(quoted[alert.key], alert) if alert.key in quoted else alert
    yield from quoted.values()


def _worth_quoting(implication: Implication) -> bool:
    """The report marks it as abnormal and says what to do.

    Its phenotype may be in words that no rule knows.
    """
    normal = bool(implication.phenotypes) and set(implication.phenotypes) <= UNREMARKABLE
    return implication.remarkable and not normal and bool(implication.recommendation)


def _quoted(implication: Implication, mine: tuple[Held, ...]) -> Alert:
    name = mine[0].drug.name
    citation = Citation(implication.citation or GUIDANCE, implication.url)
    detail = (
        f"{_gene_words(implication)}, and the patient has {names(mine)}. The report says: "
        f"{implication.recommendation} Source: {citation.text}."
    )
    key = f"gene-report-{slug('-'.join(implication.genes) or 'gene')}-{slug(name)}"
    return Alert(
        key,
        "genomics-report",
        "GEN",
        "moderate",
        f"Genes and {name}",
        detail,
        named(mine),
        citation,
        (implication.reference,),
    )


def _both(first: Alert, second: Alert) -> Alert:
    """One alert of what two reports say on the same genes and drug: they may contradict each other."""
    detail = first.detail if second.detail in first.detail else f"{first.detail} {second.detail}"
    return replace(
        first, detail=detail, evidence=tuple(dict.fromkeys((*first.evidence, *second.evidence)))
    )


def _applies(rule: GeneRule, implication: Implication, rules: Rules) -> bool:
    if not rule.phenotypes & set(implication.phenotypes) or implication.drug not in rules.by_rxnorm:
        return False
    drug = rules.by_rxnorm[implication.drug]
    about = drug.name == rule.drug or rule.drug in drug.classes
    return about and (not implication.genes or bool(rule.genes & set(implication.genes)))


def _within_limit(rule: GeneRule, mine: Sequence[Held]) -> bool:
    daily = daily_mg(mine)
    return rule.limit_mg is not None and daily is not None and daily <= rule.limit_mg


@dataclass(frozen=True)
class Chart:
    """A patient's inputs, the ingredients found in them, and the rules that read them."""

    inputs: Inputs
    held: Sequence[Held]
    rules: Rules


def _choice(
    rule: GeneRule, chart: Chart, mine: tuple[Held, ...], about: tuple[Implication, ...]
) -> Choice:
    proposals, withheld = _weigh(rule, chart, mine)
    quoted = tuple(
        Citation(i.citation, i.url)
        for i in about
        if i.citation and i.url and i.url != rule.citation.url
    )
    genes = {g for i in about for g in i.genes}
    genotypes = [g for g in chart.inputs.genotypes if g.gene in genes]
    why = [f"{_gene_words(i)}." for i in about] + [f"Genotype: {g.value}." for g in genotypes]
    name = mine[0].drug.name
    return Choice(
        key=_key(rule, name),
        rule=rule.id,
        drug=name,
        title=rule.title if rule.drug == name else f"{rule.title} (the patient has {name})",
        severity=rule.severity,
        why=(*dict.fromkeys(why), f"The patient has {names(mine)}.", rule.effect),
        advice=rule.advice,
        goal=rule.goal,
        rests_on=tuple(
            dict.fromkeys((*(i.reference for i in about), *(g.reference for g in genotypes)))
        ),
        instead_of=references(mine),
        ordered=any(h.medication.ordered for h in mine),
        citations=tuple(dict.fromkeys((rule.citation, *quoted))),
        proposals=tuple(proposals),
        withheld=tuple(withheld),
    )


def _key(rule: GeneRule, drug: str) -> str:
    """What names a choice of this rule: a rule about a class speaks once for each drug of the class
    that the patient has.
    """
    return slug(rule.id if rule.drug == drug else f"{rule.id}-{drug}")


def _gene_words(implication: Implication) -> str:
    return (
        f"{'/'.join(implication.genes) or 'The genes'}: "
        f"{', '.join(implication.phenotypes) or 'a phenotype that the rules do not know'}"
    )


def _weigh(
    rule: GeneRule, chart: Chart, mine: Sequence[Held]
) -> tuple[list[Proposal], list[Withheld]]:
    """Each option of the rule, proposed or withheld."""
    staying = [h for h in chart.held if h.drug.name != mine[0].drug.name]
    proposals, withheld = [], []
    for option in rule.options:
        daily = option.dose * (option.per_day or 1) if option.dose else None
        objections = list(
            safety.against(
                option.drug,
                daily,
                chart.inputs,
                staying,
                instead_of=mine[0].drug,
                rules=chart.rules,
            )
        )
        grave = next((o for o in objections if o.grave), None)
        if grave:
            withheld.append(Withheld(option.drug, grave.reason, grave.rests_on, grave.citation))
            continue
        proposal = _proposal(rule, option, mine, chart.rules)
        sources = dict.fromkeys((*proposal.citations, *(o.citation for o in objections)))
        proposals.append(
            replace(
                proposal,
                cautions=tuple(dict.fromkeys(o.reason for o in objections)),
                citations=tuple(sources),
            )
        )
    return proposals, withheld


def _proposal(rule: GeneRule, option: Option, mine: Sequence[Held], rules: Rules) -> Proposal:
    dose, text = _dose(option, mine[0].medication if len(references(mine)) == 1 else None)
    return Proposal(
        key=f"dose-{_key(rule, mine[0].drug.name)}-{slug(option.drug)}",
        drug=option.drug,
        rxnorm=rules.drugs[option.drug].rxnorm,
        dose=dose,
        text=text,
        note=option.note,
        citations=tuple(dict.fromkeys((rule.citation, option.citation))),
        route="oral" if option.fraction is None else mine[0].medication.route,
    )


def _dose(option: Option, ordered: Medication | None) -> tuple[Dose | None, str]:
    """The dose of an option and its words; without one known ordered dose a fraction stays words
    (two orders may be one dose in two strengths).
    """
    if option.fraction is None:
        return (
            Dose(option.dose, option.dose, "mg", option.per_day) if option.dose else None
        ), option.text
    low, high = option.fraction
    share = f"{low:.0%}" if low == high else f"{low:.0%} to {high:.0%}"
    if ordered is None or ordered.dose is None:
        return None, f"{share} of the usual starting dose"
    given = ordered.dose
    dose = Dose(round(given.low * low, 3), round(given.high * high, 3), given.unit, given.per_day)
    amount = f"{dose.high:g}" if dose.low == dose.high else f"{dose.low:g} to {dose.high:g}"
    return (
        dose,
        f"{amount} {dose.unit} each time ({share} of the ordered dose), as often as ordered",
    )


# --- warfarin: the label's table, until an equation does better


def warfarin(inputs: Inputs, held: Sequence[Held], rules: Rules) -> Choice | None:
    """The expected maintenance dose from the CYP2C9 diplotype and VKORC1 -1639; None without both,
    without warfarin, or where two reports differ.
    """
    mine = tuple(those(held, "warfarin"))
    cyp2c9 = _agreed(inputs.genotypes, CYP2C9)
    vkorc1 = _agreed(inputs.genotypes, VKORC1)
    if not mine or cyp2c9 is None or vkorc1 is None:
        return None
    rule = rules.warfarin
    by_vkorc1 = rule.range.get(cyp2c9.certain.removeprefix(CYP2C9), {})
    limits = by_vkorc1.get(vkorc1.certain.removeprefix(VKORC1))
    if limits is None:
        return None
    low, high = float(limits[0]), float(limits[1])
    text = f"{low:g} to {high:g} mg a day, then by INR"
    both = (rule.citation, rule.guideline)
    proposal = Proposal(
        f"dose-{slug(rule.id)}-warfarin",
        "warfarin",
        rules.drugs["warfarin"].rxnorm,
        Dose(low, high, "mg", 1),
        text,
        rule.advice,
        both,
    )
    return Choice(
        key=slug(rule.id),
        rule=rule.id,
        drug="warfarin",
        title=rule.title,
        severity=rule.severity,
        why=(
            f"Genotype: {cyp2c9.certain}, {vkorc1.certain}.",
            f"The patient has {names(mine)}.",
        ),
        advice=rule.advice,
        goal=rule.goal,
        rests_on=(cyp2c9.reference, vkorc1.reference),
        instead_of=references(mine),
        ordered=any(h.medication.ordered for h in mine),
        citations=both,
        proposals=(proposal,),
    )


def _agreed(genotypes: Sequence[Genotype], prefix: str) -> Genotype | None:
    """Find the one genotype of a gene on which all reports that are certain of one agree."""
    certain = [g for g in genotypes if g.certain.startswith(prefix)]

    return certain[0] if len({g.certain for g in certain}) == 1 else None
