"""One gene, from records to diplotypes and phenotypes (pure)."""

from collections.abc import Iterable, Iterator, Sequence

from services.genomics.domain import GeneCall, Phenotype, Record
from services.genomics.pgx.lowest_function import lowest
from services.genomics.pgx.matching import Match, match, untested
from services.genomics.pgx.observe import Observed, observe
from services.genomics.pgx.tables import Gene, Tables, phenotype_of_score

INDETERMINATE = Phenotype("Indeterminate")
WRONG_REFERENCE = (
    0.25  # of at least 4 records: then the file is not of the build that its header names
)


def call_gene(tables: Tables, gene: Gene, records: Sequence[Record]) -> GeneCall | None:
    """What the records say about the gene; None where they hold nothing of it."""
    seen = observe(gene, records)
    if not seen.compared:
        return None
    reason = _unreadable(gene, seen)
    if reason:
        return GeneCall(
            gene.name,
            (),
            (INDETERMINATE,),
            missing=len(gene.sites - seen.tested),
            positions=len(gene.sites),
            reason=reason,
        )
    matched, notes = _matched(gene, seen)
    beyond = untested(gene, seen)
    essential = tuple(a for a in beyond if a in gene.essential or _suspected(gene, seen, a))
    phenotypes = [
        phenotype(tables, gene, pair) for pair in _possible(gene, matched.diplotypes, essential)
    ]
    return GeneCall(
        gene=gene.name,
        diplotypes=tuple("/".join(pair) for pair in matched.diplotypes),
        phenotypes=tuple(dict.fromkeys(phenotypes)) or (INDETERMINATE,),
        variants=seen.variants,
        untested=beyond,
        essential_untested=essential,
        missing=len(gene.sites - seen.tested),
        positions=len(gene.sites),
        notes=notes,
        reason=matched.reason,
    )


def _suspected(gene: Gene, seen: Observed, allele: str) -> bool:
    """Call a gene of which the file has a doubtful variant alone.

    Its filter or quality is bad: the allele may be there.
    """
    sites = gene.alleles[allele]
    return bool(sites & seen.suspected) and not sites & seen.tested


def _unreadable(gene: Gene, seen: Observed) -> str | None:
    if seen.mismatched >= 4 and seen.mismatched > WRONG_REFERENCE * seen.compared:
        return "its reference bases are not those of GRCh38"
    if seen.hidden:
        return (
            "an allele whose sequence the file does not give, a structural variant for "
            f"instance, at {_where(gene, seen.hidden)}"
        )
    if seen.contradicted:
        return f"its records contradict each other at {_where(gene, seen.contradicted)}"
    if not seen.tested & frozenset().union(*gene.alleles.values()):
        return "none of the positions that define its alleles is called with enough quality"
    return None


def _where(gene: Gene, positions: Iterable[int]) -> str:
    return ", ".join(f"chr{gene.chromosome}:{position}" for position in sorted(positions))


def _matched(gene: Gene, seen: Observed) -> tuple[Match, tuple[str, ...]]:
    if gene.method == "lowest-function":
        decided = lowest(gene, seen)
        return decided.match, decided.notes
    matched = match(gene, seen)
    return _preferred(gene, matched)


def _preferred(gene: Gene, matched: Match) -> tuple[Match, tuple[str, ...]]:
    """Drop a diplotype for a far commoner one, and say so.

    Without phase they can't be told apart (genes.toml).
    """
    names = {"/".join(pair): pair for pair in matched.diplotypes}
    dropped = {over for over, better in gene.prefer.items() if over in names and better in names}
    notes = tuple(
        f"Phase not given: {gene.prefer[over]} is reported; {over}, far rarer, gives the same "
        "genotypes."
        for over in dropped
    )
    return Match(
        tuple(pair for name, pair in names.items() if name not in dropped), matched.reason
    ), notes


def _possible(
    gene: Gene, diplotypes: Sequence[tuple[str, str]], essential: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Return the diplotypes, and those of untested or suspected alleles.

    An essential allele that was not tested may stand in place of a reference one.
    """
    plain = {gene.reference, gene.without}
    for first, second in diplotypes:
        for a in (first, *(essential if first in plain else ())):
            for b in (second, *(essential if second in plain else ())):
                yield a, b


def phenotype(tables: Tables, gene: Gene, diplotype: tuple[str, str]) -> Phenotype:
    """CPIC's phenotype of a diplotype.

    Its activity score where the gene has one, its table otherwise; else indeterminate.
    """
    first, second = diplotype
    if gene.phenotypes:
        term = gene.phenotypes.get(f"{first}/{second}") or gene.phenotypes.get(f"{second}/{first}")
        return Phenotype(term) if term else INDETERMINATE
    if tables.equations[gene.name]:
        scores = [gene.scores.get(a) for a in diplotype]
        known = [s for s in scores if s is not None]
        return (
            phenotype_of_score(tables, gene.name, sum(known)) if len(known) == 2 else INDETERMINATE
        )
    term = tables.diplotypes.get((gene.name, f"{first}/{second}")) or tables.diplotypes.get(
        (gene.name, f"{second}/{first}")
    )
    return Phenotype(term) if term else INDETERMINATE
