"""The code systems of pharmacogenetic results that careloop's services exchange (pure).

Genomics writes these codes, treatment reads them. A text beside them is for people.
"""

from typing import Final

PHENOTYPE: Final = "https://careloop.example/ns/CodeSystem/cpic-phenotype"
"""CPIC's standardized terms in lower case with hyphens: `likely-intermediate-metabolizer`."""
GENOTYPE: Final = "https://careloop.example/ns/CodeSystem/genotype"
"""A certain genotype: `CYP2C9 *1/*2`, the lower star first, or `VKORC1 -1639 AG`."""
