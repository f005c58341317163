"""A pharmacogenomics report as two tables.

What the genes are, and what follows for drugs (pure; HL7 Genomics Reporting 3.0.0).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.review import present
from services.review.panels.findings import Finding, finding, notes_of
from services.review.result.taken import Taken
from shared.fhir import codes, lifecycle
from shared.json import Json
from shared.references import local_reference

GENOTYPE, HAPLOTYPE, VARIANT, GENE, MEDICATION = (
    "84413-4",
    "84414-2",
    "69548-6",
    "48018-6",
    "51963-7",
)  # LOINC
PHENOTYPE: Final = (
    (codes.GENOMICS_TBD, "therapeutic-implication"),
    (codes.LOINC, "53040-2"),
    (codes.LOINC, "81259-4"),
    (codes.LOINC, "79716-7"),
)


@dataclass(frozen=True)
class GeneCall:
    """One genotype Observation and what is predicted from it."""

    key: str
    gene: str
    diplotype: str
    phenotypes: tuple[str, ...]
    note: str
    status: str


@dataclass(frozen=True)
class DrugAdvice:
    """One therapeutic implication.

    One drug, what the genes mean for it, what to do, and who says so.

    Attributes:
        rxnorm: the drug's RxNorm codes.
        actionable: the report calls it abnormal: something departs from the usual.
    """

    key: str
    drug: str
    rxnorm: tuple[str, ...]
    genes: tuple[str, ...]
    phenotypes: tuple[str, ...]
    actionable: bool
    note: str
    citations: tuple[dict[str, str], ...]
    status: str


@dataclass(frozen=True)
class Advice:
    """The implications, by whether the patient takes the drug.

    Attributes:
        taken: of drugs that the record says the patient takes.
        change, usual: of other drugs: a change is advised, or none.
        unmatched: active orders in which no ingredient was recognised.
        unread: the record could not tell what the patient takes.
    """

    taken: Sequence[DrugAdvice]
    change: Sequence[DrugAdvice]
    usual: Sequence[DrugAdvice]
    unmatched: Sequence[str]
    unread: bool


def by_patient(lines: Sequence[DrugAdvice], known: Taken) -> Advice:
    """Sort the implications by whether the patient takes the drug."""
    drugs = {a.key: [o for o in known.orders if o.is_of(a.drug, a.rxnorm)] for a in lines}
    matched = {order for orders in drugs.values() for order in orders}
    others = [a for a in lines if not drugs[a.key]]
    return Advice(
        taken=[a for a in lines if drugs[a.key]],
        change=[a for a in others if a.actionable],
        usual=[a for a in others if not a.actionable],
        unmatched=tuple(
            dict.fromkeys(o.name for o in known.orders if o not in matched and not o.ingredients)
        ),
        unread=known.unread,
    )


def gene_calls(outputs: Mapping[str, Json]) -> list[GeneCall]:
    """The genotypes, by gene."""
    return sorted(
        (gene_call(key, r, outputs) for key, r in _observed(outputs, GENOTYPE)),
        key=lambda c: c.gene,
    )


def gene_call(key: str, genotype: Json, outputs: Mapping[str, Json]) -> GeneCall:
    """Return the genotype as a line, with phenotypes of its implications."""
    drawn = [
        p
        for r in outputs.values()
        if local_reference(genotype) in present.references(r.get("derivedFrom"))
        for p in phenotypes(r)
    ]
    return GeneCall(
        key=key,
        gene=_component_text(genotype, codes.LOINC, GENE),
        diplotype=present.value_text(genotype)
        or present.concept_text(genotype.get("dataAbsentReason")),
        phenotypes=tuple(dict.fromkeys(phenotypes(genotype) or drawn)),
        note=notes_of(genotype),
        status=lifecycle.status_of(genotype) or "",
    )


def drug_advice(outputs: Mapping[str, Json]) -> list[DrugAdvice]:
    """Return the therapeutic implications, the actionable ones first."""
    implications = [
        (k, r)
        for k, r in outputs.items()
        if codes.has_code(r.get("code"), codes.GENOMICS_TBD, "therapeutic-implication")
    ]
    return sorted(
        (advice(key, r, outputs) for key, r in implications),
        key=lambda a: (not a.actionable, a.drug),
    )


def advice(key: str, implication: Json, outputs: Mapping[str, Json]) -> DrugAdvice:
    """The implication as a line."""
    derived_from = set(present.references(implication.get("derivedFrom")))
    genes = [
        *_component_texts(implication, GENE),
        *(
            g
            for r in outputs.values()
            if local_reference(r) in derived_from
            for g in _component_texts(r, GENE)
        ),
    ]

    return DrugAdvice(
        key=key,
        drug=_component_text(implication, codes.LOINC, MEDICATION),
        rxnorm=tuple(_rxnorm(implication)),
        genes=tuple(dict.fromkeys(filter(None, genes))),
        phenotypes=tuple(phenotypes(implication)),
        actionable=codes.has_code(
            implication.get("interpretation"), codes.INTERPRETATION, "A", "AA"
        ),
        note=notes_of(implication),
        citations=tuple(present.citations(implication)),
        status=lifecycle.status_of(implication) or "",
    )


def variants(outputs: Mapping[str, Json]) -> list[Finding]:
    """Return the genomic Observations in neither table, as lines."""
    return [finding(key, resource) for key, resource in others(outputs).items()]


def others(outputs: Mapping[str, Json]) -> dict[str, Json]:
    """Genomic Observations in neither table.

    Variants, haplotypes, consequences, diagnostic implications.
    """
    genomic = {
        k: r
        for k, r in outputs.items()
        if r["resourceType"] == "Observation"
        and codes.has_code(r.get("category"), codes.V2_0074, "GE")
    }
    return {key: r for key, r in genomic.items() if not _told(r)}


def _told(observation: Json) -> bool:
    """It has a line in one of the tables."""
    code = observation.get("code")
    return codes.has_code(code, codes.LOINC, GENOTYPE) or codes.has_code(
        code, codes.GENOMICS_TBD, "therapeutic-implication"
    )


def _observed(outputs: Mapping[str, Json], loinc: str) -> Iterator[tuple[str, Json]]:
    return (
        (k, r)
        for k, r in outputs.items()
        if r["resourceType"] == "Observation" and codes.has_code(r.get("code"), codes.LOINC, loinc)
    )


def phenotypes(observation: Json) -> list[str]:
    """What its components call the phenotype, one per gene.

    Some genes have no coded question for it.
    """
    asked = (c for c in observation.get("component", []) if _asks_phenotype(c.get("code", {})))
    return [text for c in asked if (text := present.value_text(c))]


def _asks_phenotype(code: Mapping[str, Any]) -> bool:
    return (
        any(codes.has_code(code, system, c) for system, c in PHENOTYPE)
        or str(code.get("text", "")).casefold() == "phenotype"
    )


def _component_text(observation: Mapping[str, Any], system: str, code: str) -> str:
    found = present.component(observation, system, code)
    return present.value_text(found) if found else ""


def _rxnorm(implication: Mapping[str, Any]) -> Iterator[str]:
    found = present.component(implication, codes.LOINC, MEDICATION) or {}
    for coding in codes.codings(found.get("valueCodeableConcept")):
        if coding.get("system") == codes.RXNORM and "code" in coding:
            yield str(coding["code"])


def _component_texts(observation: Mapping[str, Any], loinc: str) -> list[str]:
    return [
        present.value_text(c)
        for c in observation.get("component", [])
        if codes.has_code(c.get("code"), codes.LOINC, loinc)
    ]
