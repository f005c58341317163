"""From records to what was seen at a gene's sites (pure): tested or not, on both haplotypes or on one, phased or not."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.genomics.align import sites as changes
from services.genomics.domain import Record, Site, Variant
from services.genomics.tables import Gene

Block = tuple[str, str]
SYMBOLIC = ("<", "*", "[", "]")  # <NON_REF>, spanning deletion, breakends: alleles whose sequence the file does not give


class Mark(NamedTuple):
    """Something on one haplotype only: a site of the table, or None for an allele that the table does not hold."""

    block: Block
    side: int
    site: Site | None


@dataclass(frozen=True)
class Observed:
    """What a gene's records say.

    Attributes:
        tested: sites that were called, reference or not.
        both: sites whose variant is on both haplotypes.
        single: on one haplotype; marks of one block are phased with each other, blocks are not.
        unknown: positions with an allele that the table does not hold.
        variants: what is carried, for the report.
        mismatched: how many records contradict the reference of the table (a wrong build, for instance).
    """

    tested: frozenset[Site]
    both: frozenset[Site | None]
    single: tuple[Mark, ...]
    unknown: frozenset[int]
    variants: tuple[Variant, ...]
    compared: int = 0
    mismatched: int = 0

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The groups of heterozygous sites that are phased within themselves."""
        return tuple(dict.fromkeys(mark.block for mark in self.single))


def observe(gene: Gene, records: Sequence[Record]) -> Observed:
    """Look at the records of the gene's chromosome."""
    start, end = gene.span
    near = [r for r in dict.fromkeys(records) if r.chromosome == gene.chromosome and r.position <= end and r.end >= start]
    agreeing = [r for r in near if _agrees(gene, r)]
    tested = frozenset(site for record in agreeing if record.called for site in _spoken_of(gene, record))
    carried: dict[Site | None, list[tuple[Block, int]]] = defaultdict(list)
    unknown: set[int] = set()
    depth: dict[Site, int | None] = {}
    taken: dict[Block, set[int]] = defaultdict(set)
    for record in (r for r in agreeing if r.called):
        for side, allele in enumerate(record.genotype):
            for site in _seen(gene, record, allele):
                block, place = _place(record, side, taken)
                carried[site].append((block, place))
                if site is None:
                    unknown.add(record.position)
                else:
                    depth.setdefault(site, record.depth)
    both = {site for site, places in carried.items() if site and len({p for _, p in places}) == 2}
    single = tuple(Mark(block, side, site) for site, places in carried.items() if site not in both for block, side in dict.fromkeys(places))
    variants = tuple(Variant(gene.name, s, gene.rsids.get(s), s in both, depth[s]) for s in sorted(s for s in carried if s and s != gene.background))
    return Observed(tested, frozenset(both), single, frozenset(unknown), variants, len(near), len(near) - len(agreeing))


def _spoken_of(gene: Gene, record: Record) -> Iterator[Site]:
    """Sites that a called record tells of: those it spans, and those that it spells elsewhere (an insertion or deletion shifted to the right)."""
    yield from (site for site in gene.sites if record.position <= site.position <= record.end)
    for alt in record.alts:
        if len(alt) != len(record.ref) and alt.isalpha():
            yield from (site for site in changes(Site(record.chromosome, record.position, record.ref, alt), gene.bases) if site in gene.sites)


def _agrees(gene: Gene, record: Record) -> bool:
    """The record's REF is the reference of the tables, where they spell it."""
    return all(gene.bases.get(record.position + i, base.upper()) == base.upper() for i, base in enumerate(record.ref))


def _seen(gene: Gene, record: Record, allele: int) -> list[Site | None]:
    """What this allele of the record means to the gene: sites of its table, None for one that touches a site and is not in the table."""
    if allele == 0:
        return []
    alt = record.alts[allele - 1]
    touched = [s for s in gene.sites if record.position <= s.position < record.position + len(record.ref)]
    if alt.startswith(SYMBOLIC) or alt.endswith(SYMBOLIC):
        return [None] if touched else []
    found = list(changes(Site(record.chromosome, record.position, record.ref, alt), gene.bases))
    known: list[Site | None] = [s for s in found if s in gene.sites]
    strange = [s for s in found if s not in gene.sites and any(s.position <= t.position < s.position + len(s.ref) for t in gene.sites)]
    return known + [None] * bool(strange)


def _place(record: Record, side: int, taken: dict[Block, set[int]]) -> tuple[Block, int]:
    """The block and haplotype of an allele. Split lines of one unphased position (0/1 and 0/1) lie on different haplotypes."""
    if record.phased:
        return ("phased", record.phase_set), side
    block = ("unphased", f"{record.position}")
    if record.genotype[0] != record.genotype[1] and 0 in record.genotype and side in taken[block]:
        side = 1 - side
    taken[block].add(side)
    return block, side
