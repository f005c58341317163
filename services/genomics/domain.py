"""What the genomics service reads and finds: frozen values, no I/O.

Positions are 1-based on GRCh38, chromosomes bare (`10`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Site(NamedTuple):
    """One variant on the genome, normalised.

    The shortest alleles, left-aligned as far as the reference is known.
    """

    chromosome: str
    position: int
    ref: str
    alt: str

    def __str__(self) -> str:
        return f"chr{self.chromosome}:{self.position} {self.ref}>{self.alt}"


@dataclass(frozen=True)
class Record:
    """One data line of the VCF that touches a gene.

    Attributes:
        end: last reference base it speaks for: of a gVCF block its END, otherwise that of REF.
        genotype: allele numbers, -1 where missing; two of them on an autosome.
        phased: written with `|`.
        phase_set: PS; records of different sets are not phased with each other.
        usable: passed its filters, its depth and its genotype quality.
        depth: DP, or None.
    """

    chromosome: str
    position: int
    end: int
    ref: str
    alts: tuple[str, ...]
    genotype: tuple[int, ...]
    phased: bool = False
    phase_set: str = ""
    usable: bool = True
    depth: int | None = None

    @property
    def called(self) -> bool:
        """Two alleles, both known, of good quality.

        Half calls and haploid calls say too little.
        """
        return self.usable and len(self.genotype) == 2 and -1 not in self.genotype


@dataclass(frozen=True)
class Inputs:
    """One patient's VCF, read.

    See `shared.service.Inputs` for the other attributes.
    """

    subject: str
    content: str
    sources: Mapping[str, str]
    records: tuple[Record, ...] = field(repr=False)
    effective: str | None = None


@dataclass(frozen=True)
class Variant:
    """A variant allele that the patient carries and that defines an allele of a gene."""

    gene: str
    site: Site
    rsid: str | None
    homozygous: bool
    depth: int | None


@dataclass(frozen=True)
class Phenotype:
    """A CPIC phenotype, with the activity score where CPIC has one.

    Terms are `Poor Metabolizer`, `Indeterminate` and so on.
    """

    term: str
    score: float | None = None

    def __str__(self) -> str:
        return self.term if self.score is None else f"{self.term} (activity score {self.score:g})"


@dataclass(frozen=True)
class GeneCall:
    """What the file says about one gene.

    Attributes:
        diplotypes: every diplotype that agrees with what was called, the most likely first; empty:
            none could be called.
        phenotypes: every phenotype that stays possible, also through essential alleles that were
            not tested.
        untested: alleles that the file can't exclude, because a position of theirs is missing or of
            poor quality.
        essential_untested: those of them without which no normal phenotype may be said: well-known
            ones, and those that a poor genotype hints at.
        missing: how many of the gene's `positions` are missing.
        notes: what a reader must know: phase assumed, alleles outside the table, further variants.
        reason: why no diplotype could be called.
    """

    gene: str
    diplotypes: tuple[str, ...]
    phenotypes: tuple[Phenotype, ...]
    variants: tuple[Variant, ...] = ()
    untested: tuple[str, ...] = ()
    essential_untested: tuple[str, ...] = ()
    missing: int = 0
    positions: int = 0
    notes: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def diplotype(self) -> str | None:
        """The diplotype, where only one agrees with the file."""
        return self.diplotypes[0] if len(self.diplotypes) == 1 else None

    @property
    def phenotype(self) -> Phenotype:
        """The phenotype, or `Indeterminate` where several stay possible."""
        return self.phenotypes[0] if len(self.phenotypes) == 1 else Phenotype("Indeterminate")


@dataclass(frozen=True)
class Implication:
    """What CPIC recommends for one drug, given what was called.

    Attributes:
        phenotypes: gene -> phenotype, only the genes that were called.
        actionable: the text differs from what CPIC says for the normal phenotype.
        level: CPIC level of evidence (A to D); strength: of this recommendation, where the table
            says it.
        pmid: the newest guideline publication.
    """

    drug: str
    rxnorm: str
    phenotypes: Mapping[str, Phenotype]
    text: str
    actionable: bool
    guideline: str
    pmid: str
    level: str
    strength: str | None = None


@dataclass(frozen=True)
class Findings:
    """What one VCF says.

    Calls in the table's order, the genes it holds nothing of, and what follows for drugs.
    """

    calls: tuple[GeneCall, ...]
    absent: tuple[str, ...]
    implications: tuple[Implication, ...]
    discarded: int = 0
