"""From records to what was seen at a gene's sites (pure).

Tested or not, on both haplotypes or on one, phased or not.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from services.genomics.domain import Record, Site, Variant
from services.genomics.pgx.evidence import (
    agrees,
    carried,
    denied,
    is_block,
    is_reference,
    is_structural,
    spelled,
    tested,
    touched,
    under,
)
from services.genomics.pgx.tables import Gene

Block = tuple[str, str]


class Mark(NamedTuple):
    """Something on one haplotype only.

    A site of the table, or None for an allele that the table does not hold.
    """

    block: Block
    side: int
    site: Site | None


class Place(NamedTuple):
    """Where a record puts an allele."""

    block: Block
    side: int
    record: Record


@dataclass(frozen=True)
class Observed:
    """What a gene's records say.

    Attributes:
        tested: sites that were called, reference or not, and that no other record makes doubtful.
        both: sites whose variant is on both haplotypes.
        single: on one haplotype; marks of one block are phased with each other, blocks are not.
        unknown: positions with an allele that the table does not hold.
        variants: what is carried, for the report.
        mismatched: how many records contradict the reference of the table (a wrong build, for
            instance).
        suspected: sites that a variant genotype touches which does not count (filter, quality, half
            a call): neither called nor excluded.
        hidden: positions of carried alleles over a site whose sequence the file does not give:
            structural variants, spanning deletions.
        contradicted: positions where records can't all be true of one person.
    """

    tested: frozenset[Site]
    both: frozenset[Site]
    single: tuple[Mark, ...]
    unknown: frozenset[int]
    variants: tuple[Variant, ...]
    compared: int = 0
    mismatched: int = 0
    suspected: frozenset[Site] = frozenset()
    hidden: frozenset[int] = frozenset()
    contradicted: frozenset[int] = frozenset()

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The groups of heterozygous sites that are phased within themselves."""
        return tuple(dict.fromkeys(mark.block for mark in self.single))


def observe(gene: Gene, records: Sequence[Record]) -> Observed:
    """Look at the records of the gene's chromosome."""
    near = _near(gene, records)
    agreeing = [record for record in near if agrees(gene, record)]
    called = [record for record in agreeing if record.called]
    places = _places(gene, called)

    sites = {site: found for site, found in places.items() if site}
    both = frozenset(site for site, found in places.items() if site and _on_both(found))
    suspected, hidden = _suspected(gene, near), _hidden(gene, called)
    unsure = suspected.union(*hidden.values()) | (_blank(gene, near) - places.keys())

    return Observed(
        tested=frozenset(site for record in called for site in tested(gene, record)) - unsure,
        both=both,
        single=_single(places, both),
        unknown=frozenset(p.record.position for p in places.get(None, ())),
        variants=_variants(gene, sites, both),
        compared=len(near),
        mismatched=len(near) - len(agreeing),
        suspected=suspected,
        hidden=frozenset(hidden),
        contradicted=_contradicted(gene, called, sites, suspected),
    )


def _near(gene: Gene, records: Sequence[Record]) -> list[Record]:
    """Return the records that touch the gene; a line that stands twice is one.

    (Whatever depth it gives: merged files repeat a line with another depth.)
    """
    start, end = gene.span
    here = (
        record
        for record in records
        if record.chromosome == gene.chromosome and record.position <= end and record.end >= start
    )
    return list({replace(record, depth=None): record for record in here}.values())


def _on_both(places: Iterable[Place]) -> bool:
    return len({place.side for place in places}) == 2


def _single(
    places: Mapping[Site | None, Sequence[Place]], both: frozenset[Site]
) -> tuple[Mark, ...]:
    """Return what lies on one haplotype only, each once."""
    marks = (
        Mark(place.block, place.side, site)
        for site, found in places.items()
        if site not in both
        for place in found
    )
    return tuple(dict.fromkeys(marks))


def _variants(
    gene: Gene, sites: Mapping[Site, Sequence[Place]], both: frozenset[Site]
) -> tuple[Variant, ...]:
    """Return what is carried, for the report.

    The background of a reference allele is none.
    """
    return tuple(
        Variant(gene.name, site, gene.rsids.get(site), site in both, sites[site][0].record.depth)
        for site in sorted(sites)
        if site != gene.background
    )


def _places(gene: Gene, called: Iterable[Record]) -> dict[Site | None, list[Place]]:
    """What is carried and where; under None what the table does not hold."""
    places: dict[Site | None, list[Place]] = defaultdict(list)
    taken: dict[Block, set[int]] = defaultdict(set)
    for record in called:
        for side, allele in enumerate(record.genotype):
            for site in _seen(gene, record, allele):
                places[site].append(Place(*_place(record, side, taken), record))
    return places


def _seen(gene: Gene, record: Record, allele: int) -> list[Site | None]:
    """What this allele of the record means to the gene.

    Sites of its table, None for one that touches a site and is not in the table.
    """
    if allele == 0:
        return []
    alt = record.alts[allele - 1]
    if not alt.isalpha():
        return []  # see _hidden
    found = spelled(gene, record, alt)
    known: list[Site | None] = [s for s in found if s in gene.sites]
    strange = [
        s
        for s in found
        if s not in gene.sites
        and any(s.position <= t.position < s.position + len(s.ref) for t in gene.sites)
    ]
    return known + [None] * bool(strange)


def _place(record: Record, side: int, taken: dict[Block, set[int]]) -> tuple[Block, int]:
    """The block and haplotype of an allele.

    Split lines of one unphased position (0/1 and 0/1) lie on different haplotypes.
    """
    if record.phased:
        return ("phased", record.phase_set), side
    block = ("unphased", f"{record.position}")
    if record.genotype[0] != record.genotype[1] and 0 in record.genotype and side in taken[block]:
        side = 1 - side
    taken[block].add(side)
    return block, side


def _suspected(gene: Gene, near: Iterable[Record]) -> frozenset[Site]:
    """Return sites under doubtful variants and on other reference bases.

    A variant genotype is doubtful when it does not count (filter, quality, half a call).
    """
    doubtful = (r for r in near if (carried(r) and not r.called) or not agrees(gene, r))
    return frozenset(site for record in doubtful for site in touched(gene, record))


def _hidden(gene: Gene, called: Iterable[Record]) -> dict[int, set[Site]]:
    """Return the sites under each carried allele without a sequence."""
    hidden: dict[int, set[Site]] = defaultdict(set)
    for record in called:
        for alt in carried(record):
            if not alt.isalpha() and (sites := under(gene, record, alt)):
                hidden[record.position].update(sites)
    return hidden


def _blank(gene: Gene, near: Iterable[Record]) -> frozenset[Site]:
    """Sites of lines without a genotype (`./.`).

    No reference, also where another line spans them.

    Of structural variants only those that are carried tell.
    """
    empty = (r for r in near if not carried(r) and not is_reference(r) and not is_structural(r))
    return frozenset(site for record in empty for site in touched(gene, record))


def _contradicted(
    gene: Gene,
    called: Iterable[Record],
    places: Mapping[Site, list[Place]],
    suspected: frozenset[Site],
) -> frozenset[int]:
    """List the positions of contradictions.

    There a variant is carried that another record denies, gives again or makes doubtful, or there
    are more alleles than two chromosomes hold.
    """
    named = {(record.position, record.ref) for record in called if not is_block(record)}
    refuted = {site for record in called for site in denied(gene, record, named)} | suspected
    repeated = {site for site, found in places.items() if len({p.record for p in found}) > 1}
    at: dict[int, list[tuple[Block, int]]] = defaultdict(list)
    for site, found in places.items():
        at[site.position] += [(p.block, p.side) for p in found]
    crowded = {
        position for position, held in at.items() if len(held) > 2 or len(set(held)) < len(held)
    }
    return frozenset(site.position for site in places.keys() & (refuted | repeated)) | crowded
