"""What one record says of a gene's sites (pure).

Which it tests, which it only touches, which its alleles spell.

A record tests a site only where its genotype would have shown the variant:

- A reference block (ALT `.`, `<NON_REF>` or `<*>`, genotype 0/0) tests all that it spans, to its
  END.
- A line with a substitution, or with `<NON_REF>` beside its alleles, tests the bases of its REF.
- An insertion or deletion alone tests itself: `G>GT 0/0` says nothing of `G>A`, which callers and
  splitters put on a line of its own.
- A structural variant (`<DEL>`, `<DUP>`, `<CNV>`, a breakend), a spanning deletion (`*`) and a REF
  of N test nothing, whatever the genotype.
"""

from collections.abc import Iterator, Set

from services.genomics.domain import Record, Site
from services.genomics.pgx.align import sites as changes
from services.genomics.pgx.tables import Gene

ANY_OTHER = ("<NON_REF>", "<*>")  # VCF 4.3, section 5.5: stands for every allele that was not seen


def is_block(record: Record) -> bool:
    """It names no allele: a gVCF's reference block, or one position of it."""
    return all(alt in ANY_OTHER for alt in record.alts)


def is_reference(record: Record) -> bool:
    """Every allele of the genotype is REF."""
    return set(record.genotype) == {0}


def is_structural(record: Record) -> bool:
    """Every allele that it names is a structural variant.

    Its REF is often N, or the base before.
    """
    return bool(record.alts) and all(
        alt.startswith("<") and alt not in ANY_OTHER for alt in record.alts
    )


def carried(record: Record) -> list[str]:
    """The alternatives in the genotype, however incomplete it is."""
    return [record.alts[allele - 1] for allele in record.genotype if allele > 0]


def agrees(gene: Gene, record: Record) -> bool:
    """The record's REF is the reference of the tables, where they spell it."""
    return is_structural(record) or all(
        gene.bases.get(record.position + i, base) in (base, "N") or base == "N"
        for i, base in enumerate(record.ref.upper())
    )


def tested(gene: Gene, record: Record) -> Iterator[Site]:
    """Sites that a called record tells of, see above.

    An insertion or deletion also where it is spelled shifted to the right.
    """
    if "N" in record.ref.upper():
        return
    if is_block(record):
        yield from _within(gene, record.position, record.end) if is_reference(record) else ()
        return
    if any(
        alt in ANY_OTHER or (alt.isalpha() and len(alt) == len(record.ref)) for alt in record.alts
    ):
        yield from _within(gene, record.position, _last_base(record))
    for alt in record.alts:
        if alt.isalpha() and len(alt) != len(record.ref):
            yield from (site for site in spelled(gene, record, alt) if site in gene.sites)


def touched(gene: Gene, record: Record) -> Iterator[Site]:
    """Sites that the record may say something of.

    Those under its REF, those its alleles spell, and all under a symbolic allele that is carried.
    """
    symbolic = is_block(record) or any(alt.startswith("<") for alt in carried(record))
    yield from _within(gene, record.position, record.end if symbolic else _last_base(record))
    for alt in record.alts:
        if alt.isalpha():
            yield from (site for site in spelled(gene, record, alt) if site in gene.sites)


def under(gene: Gene, record: Record, alt: str) -> list[Site]:
    """Sites under an allele whose sequence the file does not give.

    To the END of a structural one, under REF of `*`.
    """
    return list(
        _within(gene, record.position, record.end if alt.startswith("<") else _last_base(record))
    )


def spelled(gene: Gene, record: Record, alt: str) -> list[Site]:
    """The changes that make this alternative of REF."""
    return list(changes(Site(record.chromosome, record.position, record.ref, alt), gene.bases))


def denied(gene: Gene, record: Record, named: Set[tuple[int, str]]) -> Iterator[Site]:
    """Sites whose variant a called record says is on neither chromosome.

    Those of a reference block, and single changes that it names and does not carry.

    Args:
        named: (position, REF) of the records that name an allele. What a splitter of alleles leaves
            of such a line, `G><NON_REF> 0/0`, denies nothing.
    """
    if is_block(record):
        left_over = (
            record.alts
            and record.end == _last_base(record)
            and (record.position, record.ref) in named
        )
        yield from () if left_over else tested(gene, record)
        return
    there = {
        site for alt in carried(record) if alt.isalpha() for site in spelled(gene, record, alt)
    }
    for alt in record.alts:
        if alt.isalpha() and len(found := spelled(gene, record, alt)) == 1:
            yield from (site for site in found if site in gene.sites and site not in there)


def _last_base(record: Record) -> int:
    return record.position + len(record.ref) - 1


def _within(gene: Gene, start: int, end: int) -> Iterator[Site]:
    return (site for site in gene.sites if start <= site.position <= end)
