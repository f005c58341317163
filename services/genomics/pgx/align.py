"""The one spelling of a variant (pure).

Shortest alleles, then left-aligned, after Tan, Abecasis and Kang 2015 (PMID 25701572).
"""

from collections.abc import Iterator, Mapping

from services.genomics.domain import Site


def normalise(site: Site, bases: Mapping[int, str]) -> Site:
    """Return the site with its shortest alleles, left-aligned.

    As far as `bases` (position -> reference base) reaches.
    """
    _, position, ref, alt = site
    ref, alt = ref.upper(), alt.upper()
    while True:
        if ref and alt and ref[-1] == alt[-1] and len(ref) + len(alt) > 2:
            ref, alt = ref[:-1], alt[:-1]
        elif not (ref and alt) and position - 1 in bases:
            position -= 1
            ref, alt = bases[position] + ref, bases[position] + alt
            if ref[-1] != alt[-1]:
                break
        else:
            break
    if not (ref and alt):  # the base before it is unknown: the anchor that the file gave stands
        ref, alt, position = _anchored(site)
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        position, ref, alt = position + 1, ref[1:], alt[1:]
    return Site(site.chromosome, position, ref, alt)


def _anchored(site: Site) -> tuple[str, str, int]:
    ref, alt = site.ref.upper(), site.alt.upper()
    while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    return ref, alt, site.position


def sites(site: Site, bases: Mapping[int, str]) -> Iterator[Site]:
    """The site, or, of a substitution of several bases (MNV), each base that changes."""
    if len(site.ref) == len(site.alt) > 1:
        for offset, (ref, alt) in enumerate(zip(site.ref.upper(), site.alt.upper(), strict=True)):
            if ref != alt:
                yield Site(site.chromosome, site.position + offset, ref, alt)
    else:
        yield normalise(site, bases)
