"""A variant Observation (LOINC 69548-6), and parts of all genomic Observations.

Pure.
"""

import re
from typing import Final

from services.genomics.domain import Site, Variant
from services.genomics.pgx.tables import Gene
from services.genomics.report import codes as lab
from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from shared.json import Json

CATEGORY: Final = [
    codes.concept(codes.OBSERVATION_CATEGORY, "laboratory"),
    codes.concept(codes.V2_0074, "GE"),
]


def slug(text: str) -> str:
    """`[a-z0-9-]`, what a draft's key may hold."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def loinc(code: str) -> Json:
    """A LOINC code as a CodeableConcept."""
    return codes.concept(lab.LOINC, code)


def component(code: Json, value: Json) -> Json:
    """A component whose value is a concept."""
    return {"code": code, "valueCodeableConcept": value}


def gene_part(gene: Gene) -> Json:
    """LOINC 48018-6, gene studied."""
    return component(loinc(lab.GENE), codes.concept(lab.GENE_NAMES, gene.hgnc, gene.name))


def variant_draft(gene: Gene, variant: Variant, pen: Pen) -> Draft:
    """The variant, present, with where it lies and on how many chromosomes."""
    site = variant.site
    return pen.draft(
        "Observation",
        f"variant-{slug(gene.name)}-{site.position}-{site.ref.lower()}-{site.alt.lower()}",
        category=CATEGORY,
        code=loinc(lab.VARIANT),
        valueCodeableConcept=codes.concept(lab.LOINC, *lab.PRESENT),
        component=[gene_part(gene), *_names(variant), *_place(site), *_alleles(variant)],
    )


def _names(variant: Variant) -> list[Json]:
    site = variant.site
    parts = (
        [component(loinc(lab.KNOWN_ID), codes.concept(lab.DBSNP, variant.rsid))]
        if variant.rsid
        else []
    )
    if (
        len(site.ref) == len(site.alt) == 1
    ):  # HGVS shifts insertions and deletions to the right, which needs the genome
        name = f"{lab.ACCESSION[site.chromosome]}:g.{site.position}{site.ref}>{site.alt}"
        parts.append(component(loinc(lab.GENOMIC_HGVS), codes.concept(lab.HGVS, name)))
    return parts


def _place(site: Site) -> list[Json]:
    return [
        component(
            loinc(lab.REFERENCE_SEQUENCE), codes.concept(lab.REFSEQ, lab.ACCESSION[site.chromosome])
        ),
        component(loinc(lab.ASSEMBLY), codes.concept(lab.LOINC, *lab.GRCH38)),
        component(
            loinc(lab.CHROMOSOME_OF), codes.concept(lab.LOINC, lab.CHROMOSOME[site.chromosome])
        ),
        {"code": loinc(lab.START_END), "valueRange": {"low": {"value": site.position}}},
        component(loinc(lab.COORDINATES), codes.concept(lab.LOINC, *lab.ONE_BASED)),
    ]


def _alleles(variant: Variant) -> list[Json]:
    site = variant.site
    change = (
        lab.SNV
        if len(site.ref) == len(site.alt)
        else lab.DELETION
        if len(site.ref) > len(site.alt)
        else lab.INSERTION
    )
    parts: list[Json] = [
        {"code": loinc(lab.REF_ALLELE), "valueString": site.ref},
        {"code": loinc(lab.ALT_ALLELE), "valueString": site.alt},
        component(
            loinc(lab.ALLELIC_STATE),
            codes.concept(lab.LOINC, *(lab.HOMOZYGOUS if variant.homozygous else lab.HETEROZYGOUS)),
        ),
        component(loinc(lab.SOURCE_CLASS), codes.concept(lab.LOINC, *lab.GERMLINE)),
        component(loinc(lab.CHANGE_TYPE), codes.concept(lab.SEQUENCE_ONTOLOGY, *change)),
    ]
    depth = variant.depth
    return (
        parts
        if depth is None
        else [*parts, {"code": loinc(lab.DEPTH), "valueQuantity": codes.quantity(depth, "1")}]
    )
