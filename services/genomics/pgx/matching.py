"""Star alleles from genotypes (pure).

Which pairs of named haplotypes agree with what was called.

A position that the file does not call is unknown, never reference. An allele loses the sites that
were not tested; one that keeps none, or one of whose sites has a variant of poor quality, can't be
called or excluded and is reported as untested. Unphased heterozygous sites are tried in every
phase. Everything that agrees is returned.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, product

from services.genomics.domain import Site
from services.genomics.pgx.observe import Observed
from services.genomics.pgx.tables import Gene

MAX_BLOCKS = 12  # 2,048 phases; more unphased sites than that in one gene is no human genome
MAX_COMBINED = 3

Haplotype = frozenset[Site]


@dataclass(frozen=True, order=True)
class Named:
    """A haplotype's name and how far one has to stretch for it.

    Less is better, in this order.

    Attributes:
        combined: how many named alleles beyond the first it takes.
        mismatched: the background base is not the allele's own.
        partial: not all sites that define the allele were tested.
        variant: it is not the reference allele.
    """

    combined: int
    mismatched: int
    partial: int
    variant: int
    name: str


@dataclass(frozen=True)
class Match:
    """The diplotypes that agree, best first, each once; `reason` where there is none."""

    diplotypes: tuple[tuple[str, str], ...]
    reason: str | None = None


def match(gene: Gene, seen: Observed) -> Match:
    """Every diplotype of named alleles that agrees with what was seen."""
    if len(seen.blocks) > MAX_BLOCKS:
        return Match(
            (), f"{len(seen.blocks)} unphased heterozygous sites leave too many phases open"
        )
    pairs = [_named(gene, seen, first, second) for first, second in _phases(seen)]
    found = [candidate for candidates in pairs for candidate in candidates]
    if not found:
        where = ", ".join(f"chr{gene.chromosome}:{p}" for p in sorted(seen.unknown))
        return Match(
            (),
            f"an allele that the table does not hold at {where}"
            if where
            else "the variants are those of no named allele or combination",
        )
    least = min((a.combined + b.combined, a.mismatched + b.mismatched) for a, b in found)
    best = sorted(
        (
            a.partial + b.partial,
            a.variant + b.variant,
            gene.order(a.name),
            gene.order(b.name),
            a.name,
            b.name,
        )
        for a, b in (sorted(pair, key=lambda n: (gene.order(n.name), n.name)) for pair in found)
        if (a.combined + b.combined, a.mismatched + b.mismatched) == least
    )
    return Match(tuple(dict.fromkeys((a, b) for *_, a, b in best)))


def _phases(seen: Observed) -> Iterator[tuple[Haplotype | None, Haplotype | None]]:
    """Each way to lay the heterozygous sites on two haplotypes.

    None stands for one that carries an unknown allele.
    """
    for flips in product((0, 1), repeat=max(0, len(seen.blocks) - 1)):
        turned = dict(zip(seen.blocks, (0, *flips), strict=True)) if seen.blocks else {}
        sides: tuple[set[Site | None], set[Site | None]] = (set(seen.both), set(seen.both))
        for mark in seen.single:
            sides[mark.side ^ turned[mark.block]].add(mark.site)
        first, second = (
            None if None in side else frozenset(s for s in side if s) for side in sides
        )
        yield first, second


def _named(
    gene: Gene, seen: Observed, first: Haplotype | None, second: Haplotype | None
) -> list[tuple[Named, Named]]:
    if first is None or second is None:
        return []
    return list(
        product(name_haplotype(gene, seen.tested, first), name_haplotype(gene, seen.tested, second))
    )


def name_haplotype(gene: Gene, tested: frozenset[Site], haplotype: Haplotype) -> list[Named]:
    """The names that fit this haplotype.

    Combinations of alleles only where no single one does.
    """
    carried = haplotype - {gene.background} if gene.background else haplotype
    wild = gene.background in tested and gene.background not in haplotype
    names = [
        n
        for allele in gene.alleles
        if (n := _fits(gene, tested, carried, allele=allele, wild=wild))
    ]
    if not carried:
        names.append(Named(0, 0, 0, 0, gene.without if wild else gene.reference))
    return names or [
        Named(len(c) - 1, int(wild), 0, 1, f"[{' + '.join(c)}]")
        for c in _combined(gene, tested, carried)
    ]


def _fits(
    gene: Gene, tested: frozenset[Site], carried: Haplotype, *, allele: str, wild: bool
) -> Named | None:
    sites = gene.alleles[allele]
    known = sites & tested
    extra = carried - known
    may_carry = gene.optional.get(allele, frozenset())
    evidence = known or (extra & may_carry)
    if not evidence or not known <= carried or not extra <= may_carry:
        return None
    return Named(0, int(wild and allele not in gene.wobble), int(known != sites), 1, allele)


def _combined(gene: Gene, tested: frozenset[Site], carried: Haplotype) -> list[tuple[str, ...]]:
    """The fewest disjoint alleles that together are the haplotype."""
    parts = {
        a: known
        for a, sites in gene.alleles.items()
        if (known := sites & tested) and known <= carried and known == sites
    }
    for count in range(2, MAX_COMBINED + 1):
        found = [c for c in combinations(parts, count) if _covers([parts[a] for a in c], carried)]
        if found:
            return found
    return []


def _covers(parts: Iterable[Haplotype], whole: Haplotype) -> bool:
    listed = [site for part in parts for site in part]
    return len(listed) == len(whole) and set(listed) == whole


def untested(gene: Gene, seen: Observed) -> tuple[str, ...]:
    """Return alleles that the file can neither call nor exclude.

    None of their sites was tested, or one has a variant that does not count.
    """
    return tuple(
        allele
        for allele, sites in gene.alleles.items()
        if not sites & seen.tested or sites & seen.suspected
    )
