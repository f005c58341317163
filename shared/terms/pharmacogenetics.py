"""The codes of pharmacogenetic results that careloop's services exchange (pure)."""

import re
from typing import Final

from shared.fhir import codes

PHENOTYPE: Final = f"{codes.NS}/CodeSystem/cpic-phenotype"
"""Phenotypes as CPIC's tables word them, in lower case, with hyphens."""
GENOTYPE: Final = f"{codes.NS}/CodeSystem/genotype"
"""A genotype that is certain: `CYP2C9 *1/*2`, `VKORC1 -1639 AG`. None: it is not certain."""
STAR: Final = re.compile(r"\*(\d+)")
AT_1639: Final = re.compile(r"-1639([AG])/-1639([AG])")


def phenotype_code(term: str) -> str:
    """Return the code of a phenotype: `poor-metabolizer` of `Poor Metabolizer`."""
    return term.lower().replace(" ", "-")


def genotype_code(gene: str, diplotype: str) -> str:
    """Return the code of a diplotype, the lower star first.

    VKORC1 has no stars: its two bases at -1639 (coding strand), in the order of the alphabet.
    """
    if bases := AT_1639.fullmatch(diplotype):
        return f"{gene} -1639 {''.join(sorted(bases.groups()))}"
    return f"{gene} {'/'.join(sorted(diplotype.split('/'), key=_number))}"


def _number(allele: str) -> tuple[int, str]:
    star = STAR.match(allele)
    return int(star[1]) if star else 0, allele
