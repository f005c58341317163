"""The sentences of the report (pure)."""

from services.genomics.domain import Findings, GeneCall
from services.genomics.pgx.tables import Gene, Tables

MAX_LISTED = 4
LIMITS = (
    "Read from small variants only: structural variants (copy number, deletions of whole genes), "
    "CYP2D6, HLA and all other genes are not called, and alleles "
    "outside the table count as reference. A computed reading of a file, not a validated "
    "laboratory assay: confirm before acting."
)


def genotype_text(gene: Gene, call: GeneCall) -> str:
    """`CYP2C19 *1/*2`; every diplotype that agrees with the file.

    What essential alleles were not tested.
    """
    named = [gene.display.get(d, d) for d in call.diplotypes]
    shown = " or ".join(named[:MAX_LISTED]) + (
        f" or {len(named) - MAX_LISTED} others" if len(named) > MAX_LISTED else ""
    )
    return f"{gene.name} {shown}" + (
        f" ({', '.join(call.essential_untested)} not tested)" if call.essential_untested else ""
    )


def remarks(call: GeneCall) -> list[str]:
    """What a reader of one gene must know."""
    sentences = list(call.notes)
    if len(call.diplotypes) > 1:
        sentences.append("The file can't tell these diplotypes apart.")
    if call.missing:
        sentences.append(
            f"{call.missing} of {call.positions} positions that define alleles are not called in "
            "the file, or not well enough."
        )
    if call.untested:
        beyond = ", ".join(call.untested[:12]) + (
            f" and {len(call.untested) - 12} more" if len(call.untested) > 12 else ""
        )
        sentences.append(f"Not tested, neither called nor excluded: {beyond}.")
    return sentences


def conclusion(tables: Tables, findings: Findings) -> str:
    """Gene by gene: what was called, what could not be and why.

    What to act on; the limits.
    """
    lines = [_line(tables.gene(call.gene), call) for call in findings.calls]
    act = [i.drug for i in findings.implications if i.actionable]
    lines.append(
        f"CPIC recommends a change for: {', '.join(act)}."
        if act
        else "For the drugs whose genes were called, CPIC's tables recommend no change. A drug "
        "that is not listed was not assessed."
    )
    if findings.absent:
        lines.append(f"Not in the file: {', '.join(findings.absent)}.")
    if findings.discarded:
        lines.append(
            f"{findings.discarded} genotypes were left out for a failed filter, low depth or low "
            "quality."
        )
    return "\n".join([*lines, LIMITS])


def _line(gene: Gene, call: GeneCall) -> str:
    if not call.diplotypes:
        return f"{gene.name}: not called, {call.reason}."
    possible = (
        " or ".join(map(str, call.phenotypes[:MAX_LISTED])) if len(call.phenotypes) > 1 else ""
    )
    doubt = f" ({possible})" if possible else ""
    return f"{genotype_text(gene, call)}: {call.phenotype}{doubt}."
