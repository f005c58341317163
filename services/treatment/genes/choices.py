"""The choices of the gene rules for the patient's drugs (pure)."""

from collections.abc import Sequence

from services.treatment.chart import Chart
from services.treatment.domain import Genotype, Implication
from services.treatment.findings import Choice, Citation
from services.treatment.genes.proposals import key_of, proposals
from services.treatment.genes.warfarin import warfarin
from services.treatment.medications import Medications, sentence
from services.treatment.rules.tables import GeneRule, Rules


def gene_choices(chart: Chart) -> tuple[Choice, ...]:
    """Make one choice for each drug of the patient with a gene rule.

    Of several rules on one drug the first in the table counts: it is the strictest.
    """
    found: dict[str, Choice] = {}
    for rule in chart.rules.genes:
        concerned = [i for i in chart.inputs.implications if _applies(rule, i, chart.rules)]
        for name in chart.medications.of_drugs(rule.drug).names:
            about = tuple(i for i in concerned if chart.rules.by_rxnorm[i.drug].name == name)
            medications = chart.medications.of_drugs(name)

            if name not in found and about and not _within_limit(rule, medications):
                found[name] = _choice(rule, name, about, chart)

    if expected := warfarin(chart):
        found["warfarin"] = expected

    return tuple(found[name] for name in sorted(found))


def _applies(rule: GeneRule, implication: Implication, rules: Rules) -> bool:
    """Tell whether a rule speaks on an implication: by phenotype, drug and gene."""
    drug = rules.by_rxnorm.get(implication.drug)
    if drug is None or not drug.is_any_of(frozenset({rule.drug})):
        return False
    if not rule.phenotypes & set(implication.phenotypes):
        return False

    return not implication.genes or bool(rule.genes & set(implication.genes))


def _within_limit(rule: GeneRule, medications: Medications) -> bool:
    """Tell whether the daily dose is known and low enough for the rule not to matter."""
    daily = medications.daily_mg
    return rule.limit_mg is not None and daily is not None and daily <= rule.limit_mg


def _choice(rule: GeneRule, name: str, about: Sequence[Implication], chart: Chart) -> Choice:
    drug, medications = chart.rules.drugs[name], chart.medications.of_drugs(name)
    genes = {gene for implication in about for gene in implication.genes}
    genotypes = [g for g in chart.inputs.genotypes if g.gene in genes]
    genotype_references = [g.reference for g in genotypes]
    proposed, withheld = proposals(rule, drug, chart)

    return Choice(
        key=key_of(rule, name),
        rule=rule.id,
        drug=name,
        title=rule.title if rule.drug == name else f"{rule.title}; here {name}",
        severity=rule.severity,
        why=_why(rule, about, genotypes, medications),
        advice=rule.advice,
        goal=rule.goal,
        evidence=tuple(dict.fromkeys((*(i.reference for i in about), *genotype_references))),
        instead_of=medications.references,
        ordered=bool(medications.ordered),
        citations=(rule.citation, *_quoted(about, rule)),
        proposals=proposed,
        withheld=withheld,
    )


def _why(
    rule: GeneRule,
    about: Sequence[Implication],
    genotypes: Sequence[Genotype],
    medications: Medications,
) -> tuple[str, ...]:
    genetic = [f"{i.description}." for i in about] + [f"Genotype: {g.value}." for g in genotypes]
    return (*dict.fromkeys(genetic), f"{sentence(medications.statement)}.", rule.effect)


def _quoted(about: Sequence[Implication], rule: GeneRule) -> tuple[Citation, ...]:
    """List the reports' sources beside the rule's own."""
    cited = (Citation(i.citation, i.url) for i in about if i.citation and i.url)
    return tuple(dict.fromkeys(c for c in cited if c.url != rule.citation.url))
