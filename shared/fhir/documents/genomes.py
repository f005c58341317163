"""Documents that hold a genome (pure).

They are genomics' to answer, and nobody's note.
"""

from collections.abc import Sequence
from typing import Final

from shared.fhir import codes

VCF_TYPES: Final = frozenset(
    {
        "text/vcf",
        "text/x-vcf",
        "application/vcf",
        "application/x-vcf",
        "text/vcf+gzip",
        "application/vcf+gzip",
    }
)
PLAIN_TYPES: Final = frozenset(
    {
        "text/plain",
        "text/tab-separated-values",
        "application/gzip",
        "application/x-gzip",
        "application/octet-stream",
    }
)
GENOMIC_CODES: Final = frozenset(
    {f"{codes.LOINC}|{code}" for code in ("51969-4", "81247-9", "86206-0", "86205-2", "51968-6")}
    | {f"{codes.V2_0074}|GE"}
)


def is_vcf(content_types: Sequence[str], tokens: Sequence[str]) -> bool:
    """One of the MIME types is a VCF's, or a general one while a code says genomics."""
    types = {bare(t) for t in content_types}
    return bool(types & VCF_TYPES) or bool(types & PLAIN_TYPES and GENOMIC_CODES & set(tokens))


def bare(content_type: str) -> str:
    """Return a MIME type without its parameters."""
    return content_type.split(";", 1)[0].strip().lower()
