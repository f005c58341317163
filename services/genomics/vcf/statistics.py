"""Quality statistics of a call set.

Call rate, heterozygosity, transitions to transversions.

scikit-allel counts; its import is slow, so it happens here and no earlier.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.genomics.domain import Record

PURINES: Final = frozenset("AG")
PYRIMIDINES: Final = frozenset("CT")


@dataclass(frozen=True)
class Statistics:
    """What a call set looks like.

    Attributes:
        records: how many lines were read.
        called: how many of them have two known alleles of good quality.
        call_rate: called / records; None without records.
        heterozygous: share of the called ones with two different alleles; None without any.
        transitions, transversions: single-base changes that the sample carries.
    """

    records: int
    called: int
    call_rate: float | None
    heterozygous: float | None
    transitions: int
    transversions: int

    @property
    def ts_tv(self) -> float | None:
        """Transitions per transversion; None without a transversion."""
        return self.transitions / self.transversions if self.transversions else None


def statistics_of(records: Sequence[Record]) -> Statistics:
    """Count the records of one sample."""
    import allel

    called = [r for r in records if r.called]
    pairs = allel.GenotypeVector([r.genotype for r in called] or [(-1, -1)])
    changes = [pair for r in called for pair in _changes(r)]
    transitions = sum(set(pair) in (PURINES, PYRIMIDINES) for pair in changes)

    return Statistics(
        records=len(records),
        called=len(called),
        call_rate=len(called) / len(records) if records else None,
        heterozygous=int(pairs.count_het()) / len(called) if called else None,
        transitions=transitions,
        transversions=len(changes) - transitions,
    )


def _changes(record: Record) -> list[tuple[str, str]]:
    """Return (REF, ALT) of each single-base change that the sample carries."""
    carried = {record.alts[allele - 1] for allele in record.genotype if allele > 0}
    return [
        (record.ref, alt) for alt in sorted(carried) if len(record.ref) == 1 and alt in set("ACGT")
    ]
