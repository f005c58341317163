"""Genotypes and therapeutic implications of genomics' reports (pure).

Codes alone are read. A text is for people: it is shown, and says nothing to a rule.
"""

from collections.abc import Sequence
from typing import Final

from services.treatment.domain import Genotype, Implication
from services.treatment.record.concepts import code_values, components, words
from shared.fhir import codes
from shared.json import Json
from shared.references import local_reference, relative
from shared.terms.pharmacogenetics import GENOTYPE, PHENOTYPE

GENE: Final = "48018-6"  # LOINC: gene studied
GENOTYPE_NAME: Final = "84413-4"  # LOINC: genotype display name
DRUG_ASSESSED: Final = "51963-7"  # LOINC: medication assessed
IMPLICATION: Final = "therapeutic-implication"  # of codes.GENOMICS_TBD
NORMAL: Final = "N"  # v3-ObservationInterpretation

LOINC_ANSWERS: Final = {  # LL3856-8
    "LA10315-2": "ultrarapid metabolizer",
    "LA25390-8": "rapid metabolizer",
    "LA25391-6": "normal metabolizer",
    "LA10317-8": "intermediate metabolizer",
    "LA9657-3": "poor metabolizer",
}
METABOLIZERS: Final = (
    "ultrarapid",
    "rapid",
    "normal",
    "likely intermediate",
    "possible intermediate",
    "intermediate",
    "likely poor",
    "poor",
)
FUNCTIONS: Final = ("increased", "normal", "possible decreased", "decreased", "poor")
PHENOTYPES: Final = {  # by code, CPIC's standardized terms in lower case
    term.replace(" ", "-"): term
    for term in (
        *(f"{degree} metabolizer" for degree in METABOLIZERS),
        *(f"{degree} function" for degree in FUNCTIONS),
    )
}


def genotype(observation: Json, report: str) -> Genotype | None:
    """Read the genotype in an Observation 84413-4 of a report.

    None for another Observation, and where it names no genotype.
    """
    concept = observation.get("valueCodeableConcept")
    text = words(concept) or observation.get("valueString", "")
    if not text or not codes.has_code(observation.get("code"), codes.LOINC, GENOTYPE_NAME):
        return None

    return Genotype(
        reference=local_reference(observation),
        gene=next(iter(_genes(observation)), ""),
        value=text,
        report=report,
        certain=codes.first_code(concept, GENOTYPE) or "",
    )


def implication(
    observation: Json, report: str, genotypes: Sequence[Genotype] = ()
) -> Implication | None:
    """Read the therapeutic implication in an Observation of a report.

    None for another Observation, and where it names no RxNorm drug. Where it names no gene, it is
    about the genes of the genotypes that it was derived from.
    """
    drug = _drug(observation)
    if drug is None or not codes.has_code(observation.get("code"), codes.GENOMICS_TBD, IMPLICATION):
        return None

    derived = {relative(r.get("reference", "")) for r in observation.get("derivedFrom", [])}
    genes = {g.gene for g in genotypes if g.gene and g.reference in derived}
    citation, url = _source(observation)

    return Implication(
        reference=local_reference(observation),
        drug=drug,
        genes=_genes(observation) or tuple(sorted(genes)),
        phenotypes=phenotypes(observation),
        recommendation=" ".join(n.get("text", "") for n in observation.get("note", [])),
        citation=citation,
        url=url,
        report=report,
        remarkable=NORMAL not in code_values(observation.get("interpretation")),
        uncoded=_uncoded(observation),
    )


def phenotypes(observation: Json) -> tuple[str, ...]:
    """Read CPIC's terms from the codes of the components.

    A component without a code that we know adds nothing: its words are never read.
    """
    parts = (
        part.get("valueCodeableConcept")
        for part in observation.get("component", [])
        if not codes.has_code(part.get("code"), codes.LOINC, DRUG_ASSESSED, GENE)
    )

    return tuple(dict.fromkeys(term for part in parts for term in _terms(part)))


def _uncoded(observation: Json) -> bool:
    """Tell whether a phenotype is in words alone."""
    parts = components(observation, codes.GENOMICS_TBD, IMPLICATION)
    values = (part.get("valueCodeableConcept") for part in parts)

    return any(not _terms(v) and codes.first_code(v, PHENOTYPE) is None for v in values)


def _terms(concept: object) -> list[str]:
    """Read CPIC's codes; where there is none, LOINC's answers."""
    coded = [(c.get("system"), c.get("code")) for c in codes.codings(concept)]
    cpic = [PHENOTYPES[c] for system, c in coded if system == PHENOTYPE and c in PHENOTYPES]

    return cpic or [
        LOINC_ANSWERS[c] for system, c in coded if system == codes.LOINC and c in LOINC_ANSWERS
    ]


def _drug(observation: Json) -> str | None:
    """Read the RxNorm code of the assessed drug."""
    assessed = components(observation, codes.LOINC, DRUG_ASSESSED)
    found = (codes.first_code(p.get("valueCodeableConcept"), codes.RXNORM) for p in assessed)

    return next((drug for drug in found if drug), None)


def _genes(observation: Json) -> tuple[str, ...]:
    """Read the gene symbols beside the HGNC codes of the gene-studied components."""
    symbols = (
        str(coding.get("display", ""))
        for part in components(observation, codes.LOINC, GENE)
        for coding in codes.codings(part.get("valueCodeableConcept"))
        if coding.get("system") == codes.HGNC
    )

    return tuple(dict.fromkeys(symbol for symbol in symbols if symbol))


def _source(observation: Json) -> tuple[str, str]:
    """Read the cited guideline: its title and its address."""
    artifacts = (
        extension.get("valueRelatedArtifact", {})
        for extension in observation.get("extension", [])
        if extension.get("url") == codes.RELATED_ARTIFACT
    )
    cited: Json = next(artifacts, {})
    title = cited.get("display") or cited.get("citation") or cited.get("label", "")

    return title, cited.get("url", "")
