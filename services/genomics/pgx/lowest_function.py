"""DPYD: variants count one by one (pure).

The least active one of each haplotype decides (CPIC fluoropyrimidines, PMID 29152729).

Where the phase is not given, the two least active copies are taken to lie on different haplotypes,
the less favourable reading.
"""

from dataclasses import dataclass

from services.genomics.domain import Site
from services.genomics.pgx.matching import Match
from services.genomics.pgx.observe import Observed
from services.genomics.pgx.tables import Gene


@dataclass(frozen=True)
class Lowest:
    """The diplotype that decides, and what else has to be said."""

    match: Match
    notes: tuple[str, ...] = ()


def lowest(gene: Gene, seen: Observed) -> Lowest:
    """The pair of least active alleles."""
    if seen.unknown:
        where = ", ".join(f"chr{gene.chromosome}:{p}" for p in sorted(seen.unknown))
        return Lowest(Match((), f"an allele that the table does not hold at {where}"))
    sides = _phased(gene, seen) if len(seen.blocks) <= 1 else _unphased(gene, seen)
    pair = tuple(min(side, key=lambda a: _rank(gene, a), default=gene.reference) for side in sides)
    first, second = sorted(pair, key=gene.order)
    return Lowest(Match(((first, second),)), _notes(gene, seen, sides, pair))


def _deciding(gene: Gene, seen: Observed, allele: str) -> Site | None:
    """The site that tells whether the allele is there.

    Its cause, or its proxy where the cause was not tested.
    """
    proxy = gene.proxy.get(allele)
    causes = gene.alleles[allele] - ({proxy} if proxy else set())
    cause = next(iter(causes))
    if cause in seen.tested:
        return cause
    return proxy if proxy in seen.tested else None


def _copies(gene: Gene, seen: Observed) -> list[tuple[str, int | None]]:
    """Alleles seen with their haplotype.

    Each of a homozygous one, 0 or 1 of a heterozygous one within its block.
    """
    found: list[tuple[str, int | None]] = []
    for allele in gene.alleles:
        site = _deciding(gene, seen, allele)
        if site is None:
            continue
        if site in seen.both:
            found += [(allele, 0), (allele, 1)]
        found += [(allele, mark.side) for mark in seen.single if mark.site == site]
    return found


def _phased(gene: Gene, seen: Observed) -> tuple[list[str], list[str]]:
    copies = _copies(gene, seen)
    return [a for a, side in copies if side == 0], [a for a, side in copies if side == 1]


def _unphased(gene: Gene, seen: Observed) -> tuple[list[str], list[str]]:
    ranked = sorted((a for a, _ in _copies(gene, seen)), key=lambda a: _rank(gene, a))
    return ranked[::2], ranked[1::2]


def _rank(gene: Gene, allele: str) -> tuple[float, int]:
    score = gene.scores[allele]
    return (1.0 if score is None else score, gene.order(allele))


def _notes(
    gene: Gene, seen: Observed, sides: tuple[list[str], list[str]], pair: tuple[str, ...]
) -> tuple[str, ...]:
    others = sorted({a for side in sides for a in side} - set(pair), key=gene.order)
    notes = []
    if others:
        notes.append(f"Also carried, of the same or higher activity: {', '.join(others)}.")
    if len(seen.blocks) > 1:
        notes.append(
            "The phase is not given: the least active variants are taken to lie on different "
            "chromosomes, the less favourable reading."
        )
    if any(
        gene.proxy.get(a) and not gene.alleles[a] <= seen.tested for a in pair if a in gene.alleles
    ):
        notes.append("HapB3 is inferred from one of its two variants.")
    return tuple(notes)
