"""From phenotypes to what CPIC recommends, drug by drug (pure).

The texts and their sources are in the tables; nothing is made up here.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from services.genomics.domain import GeneCall, Implication, Phenotype
from services.genomics.pgx.tables import Tables

UNAVAILABLE = Phenotype("None")  # the table's word for a gene that was not tested
NORMAL = {
    "CYP2C9": Phenotype("Normal Metabolizer", 2.0),
    "SLCO1B1": Phenotype("Normal Function"),
    "VKORC1": Phenotype("Normal warfarin sensitivity"),
}
OTHERWISE_NORMAL = Phenotype("Normal Metabolizer")

States = Mapping[str, tuple[Phenotype, ...]]


def implications(tables: Tables, calls: Sequence[GeneCall]) -> tuple[Implication, ...]:
    """Draw one implication per drug of the tables, given every possible phenotype.

    Where these lead to different advice, none.
    """
    states = {call.gene: call.phenotypes for call in calls}
    drugs = {
        drug: genes for drug, genes in _drugs(tables) if any(_known(states, gene) for gene in genes)
    }
    found = (_implication(tables, drug, drugs[drug], states) for drug in sorted(drugs))
    return tuple(i for i in found if i is not None)


def _drugs(tables: Tables) -> Iterator[tuple[str, tuple[str, ...]]]:
    for row in tables.recommendations:
        yield row["Drug"], tuple(gene for gene in (row["Gene1"], row["Gene2"]) if gene != "None")
    for own in tables.own:
        yield from ((drug, tuple(own["genes"])) for drug in own["drugs"])


def _known(states: States, gene: str) -> bool:
    return gene in states and all(p.term != "Indeterminate" for p in states[gene])


def _implication(
    tables: Tables, drug: str, genes: tuple[str, ...], states: States
) -> Implication | None:
    options = [states.get(gene, (UNAVAILABLE,)) for gene in genes]
    answers = {_look_up(tables, drug, genes, combination) for combination in product(*options)}
    if len(answers) != 1 or None in answers:
        return None
    text, strength = next(a for a in answers if a)
    normal = [
        NORMAL.get(gene, OTHERWISE_NORMAL) if gene in states and _known(states, gene) else option[0]
        for gene, option in zip(genes, options, strict=True)
    ]
    baseline = _look_up(tables, drug, genes, tuple(normal))
    guideline = next(
        g for gene in genes if (g := tables.guidelines.get((drug, gene))) and gene in states
    )
    return Implication(
        drug=drug,
        rxnorm=guideline.rxnorm,
        phenotypes={gene: _joined(states[gene]) for gene in genes if gene in states},
        text=" ".join([text, *_additions(tables, drug, genes, states, text)]),
        actionable=baseline is None or _plain(baseline[0], drug) != _plain(text, drug),
        guideline=guideline.url,
        pmid=guideline.pmid,
        level=guideline.level,
        strength=strength,
    )


def _additions(
    tables: Tables, drug: str, genes: tuple[str, ...], states: States, text: str
) -> Iterator[str]:
    """What the text alone does not say.

    A gene that the guideline asks for and the file does not tell, and the remarks of
    recommendations.toml.
    """
    for gene in genes:
        if gene not in states and gene not in text:
            yield f"{gene} belongs to the guideline too and was not tested."
    if drug in tables.remarks:
        yield tables.remarks[drug]


def _look_up(
    tables: Tables, drug: str, genes: tuple[str, ...], phenotypes: tuple[Phenotype, ...]
) -> tuple[str, str | None] | None:
    for own in tables.own:
        if drug in own["drugs"] and tuple(own["genes"]) == genes and _holds(own, phenotypes):
            return own["text"], own["strength"]
    wanted = tuple(zip(genes, (p.term for p in phenotypes), strict=True))
    for row in tables.recommendations:
        pairs = ((row["Gene1"], row["Phenotype1"]), (row["Gene2"], row["Phenotype2"]))[: len(genes)]
        if row["Drug"] == drug and pairs == wanted and row["Recommendation"] != "None":
            return row["Recommendation"], None
    return None


def _holds(own: Mapping[str, Any], phenotypes: Sequence[Phenotype]) -> bool:
    terms = all(
        want == have.term or (want == "*" and have.term not in ("Indeterminate", UNAVAILABLE.term))
        for want, have in zip(own["phenotypes"], phenotypes, strict=True)
    )
    return terms and ("scores" not in own or phenotypes[0].score in own["scores"])


def _plain(text: str, drug: str) -> str:
    """The text without the drug's name, which some rows repeat and others do not."""
    return " ".join(text.replace(drug, "").split())


def _joined(phenotypes: Sequence[Phenotype]) -> Phenotype:
    return (
        phenotypes[0]
        if len(phenotypes) == 1
        else Phenotype(" or ".join(dict.fromkeys(p.term for p in phenotypes)))
    )
