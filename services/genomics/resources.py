"""Findings -> FHIR (pure), after HL7 Genomics Reporting 3.0.0.

Variants, haplotypes, a genotype per gene, an implication per drug, the report.
"""

from collections.abc import Mapping, Sequence

from services.genomics.domain import Findings, GeneCall, Implication, Inputs, Phenotype, Site
from services.genomics.pgx.tables import Gene, Tables, load_tables
from services.genomics.report import codes as lab
from services.genomics.report.variant import (
    CATEGORY,
    component,
    gene_part,
    loinc,
    slug,
    variant_draft,
)
from services.genomics.report.wording import conclusion, genotype_text, remarks
from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from shared.json import Json
from shared.terms.pharmacogenetics import (
    GENOTYPE,
    PHENOTYPE,
    genotype_code,
    phenotype_code,
)


def resources(_inputs: Inputs, findings: Findings, pen: Pen) -> Sequence[Draft]:
    """The drafts of one VCF's report."""
    tables = load_tables()
    drafts: list[Draft] = []
    genotypes: dict[str, Draft] = {}
    for call in findings.calls:
        variants = {v.site: variant_draft(tables.gene(v.gene), v, pen) for v in call.variants}
        haplotypes = _haplotypes(tables.gene(call.gene), call, variants, pen)
        drafts += [*variants.values(), *haplotypes]
        if call.diplotypes:
            genotypes[call.gene] = _genotype(
                tables.gene(call.gene), call, haplotypes or [*variants.values()], pen
            )
    drafts += genotypes.values()
    drafts += [_implication(tables, i, genotypes, pen) for i in findings.implications]
    return [*drafts, _report(tables, findings, drafts, pen)]


def _haplotypes(
    gene: Gene, call: GeneCall, variants: Mapping[Site, Draft], pen: Pen
) -> list[Draft]:
    """Each allele of a certain diplotype that is not the reference."""
    names = dict.fromkeys(call.diplotype.split("/")) if call.diplotype else {}
    return [
        pen.draft(
            "Observation",
            f"haplotype-{slug(gene.name)}-{slug(name)}",
            category=CATEGORY,
            code=loinc(lab.HAPLOTYPE),
            valueCodeableConcept=_pharmvar(gene, name),
            derivedFrom=[
                draft.ref for site, draft in variants.items() if site in gene.alleles[name]
            ]
            or None,
            component=[gene_part(gene)],
        )
        for name in names
        if name in gene.alleles
    ]


def _genotype(gene: Gene, call: GeneCall, evidence: Sequence[Draft], pen: Pen) -> Draft:
    """Write the genotype: what a reader must know goes with it as a note."""
    notes = remarks(call)
    return pen.draft(
        "Observation",
        f"genotype-{slug(gene.name)}",
        category=CATEGORY,
        code=loinc(lab.GENOTYPE),
        valueCodeableConcept=_genotype_value(gene, call),
        derivedFrom=[draft.ref for draft in evidence] or None,
        component=[gene_part(gene), _phenotype_part(call.phenotype)],
        note=[{"text": " ".join(notes)}] if notes else None,
    )


def _genotype_value(gene: Gene, call: GeneCall) -> Json:
    """Code the genotype where it is certain and nothing essential is untested.

    Otherwise there are words alone: who reads codes takes it as uncertain.
    """
    text = {"text": genotype_text(gene, call)}
    if call.diplotype is None or call.essential_untested:
        return text

    ours = codes.coding(GENOTYPE, genotype_code(gene.name, call.diplotype))
    pharmvar = _pharmvar(gene, call.diplotype).get("coding", [])
    return {"coding": [*pharmvar, ours]} | text


def _pharmvar(gene: Gene, name: str) -> Json:
    """PharmVar's name of a star allele or diplotype (`CYP2C19*1/*2`).

    Other names stay text.
    """
    if name.startswith("*") and "[" not in name:
        return codes.concept(lab.PHARMVAR, f"{gene.name}{name}", text=f"{gene.name} {name}")
    return {"text": f"{gene.name} {name}"}


def _phenotype_part(phenotype: Phenotype) -> Json:
    """LOINC 53040-2 for enzymes.

    Transporters and VKORC1 have no LOINC question of their own here.
    """
    code = loinc(lab.METABOLISM) if "Metabolizer" in phenotype.term else {"text": "phenotype"}
    return {"code": code, "valueCodeableConcept": _phenotype(phenotype, str(phenotype))}


def _phenotype(phenotype: Phenotype, text: str) -> Json:
    """Code the phenotype by CPIC's term, and by LOINC's answer where there is one."""
    answer = lab.METABOLIZER.get(phenotype.term)
    loinc_answer = [codes.coding(lab.LOINC, answer)] if answer else []
    cpic = codes.coding(PHENOTYPE, phenotype_code(phenotype.term), phenotype.term)
    return {"coding": [*loinc_answer, cpic], "text": text}


def _implication(
    tables: Tables, found: Implication, genotypes: Mapping[str, Draft], pen: Pen
) -> Draft:
    """One drug.

    The gene that departs from normal comes first: readers may look at the first phenotype only.
    """
    ranked = sorted(
        found.phenotypes.items(),
        key=lambda item: item[1].term.startswith(("Normal", "Indeterminate")),
    )
    drug = component(
        codes.concept(lab.LOINC, lab.MEDICATION),
        codes.concept(lab.RXNORM, found.rxnorm, found.drug),
    )
    parts = [
        component(codes.concept(lab.TBD, lab.THERAPEUTIC), _phenotype(p, f"{gene} {p}"))
        for gene, p in ranked
    ]
    named = " and ".join(found.phenotypes)
    return pen.draft(
        "Observation",
        f"implication-{slug(found.drug)}",
        category=CATEGORY,
        extension=[
            codes.citation(
                f"CPIC guideline for {found.drug} and {named}, level {found.level}, PMID "
                f"{found.pmid}",
                found.guideline,
            )
        ],
        code=codes.concept(lab.TBD, lab.THERAPEUTIC),
        interpretation=[
            codes.concept(codes.INTERPRETATION, *(lab.ABNORMAL if found.actionable else lab.NORMAL))
        ],
        derivedFrom=[genotypes[gene].ref for gene in found.phenotypes if gene in genotypes],
        component=[drug, *parts, *(gene_part(tables.gene(gene)) for gene, _ in ranked)],
        note=[{"text": found.text}],
    )


def _report(tables: Tables, findings: Findings, drafts: Sequence[Draft], pen: Pen) -> Draft:
    return pen.draft(
        "DiagnosticReport",
        "report",
        category=[codes.concept(codes.V2_0074, "GE", "Genetics")],
        code=codes.concept(lab.LOINC, lab.REPORT, text="Pharmacogenomic report"),
        result=[draft.ref for draft in drafts] or None,
        conclusion=conclusion(tables, findings),
    )
