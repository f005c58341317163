"""The codes of pharmacogenetic results that careloop's services exchange (pure)."""

from typing import Final

from shared.fhir import codes

PHENOTYPE: Final = f"{codes.NS}/CodeSystem/cpic-phenotype"
GENOTYPE: Final = f"{codes.NS}/CodeSystem/genotype"
