"""What an answer rests on, as far as it is named one by one in what is written (pure).

A plan may rest on thousands of results, and each is named in the head, in the Provenance and in the
AuditEvent. No limit would make an answer that no EHR takes. Its basis covers every source, whether
it is named or not.
"""

from collections.abc import Iterable
from typing import Final

NAMED: Final = 200
"""About 540 bytes each, in all three places together; a Bundle may hold 900 kB."""
IMPORTANCE: Final = (
    "Patient",
    "DiagnosticReport",
    "DocumentReference",
    "ImagingStudy",
    "AllergyIntolerance",
    "MedicationRequest",
    "Medication",
    "Condition",
    "Observation",
)
"""Where not all are named, those of the first types are: what a clinician would open, before single
values.
"""


def rank(reference: str) -> int:
    """The place of its type in that order; unknown ones come last."""
    kind = reference.split("/", 1)[0]
    return IMPORTANCE.index(kind) if kind in IMPORTANCE else len(IMPORTANCE)


def named(sources: Iterable[str]) -> tuple[list[str], int]:
    """The sources (`Type/id`) to name one by one, and how many more there are.

    In the order given, unless some are left out.
    """
    every = list(sources)
    if len(every) <= NAMED:
        return every, 0
    return sorted(every, key=rank)[:NAMED], len(every) - NAMED


def more(count: int) -> str:
    """What is said instead of the others."""
    return f"{count} more that this answer rests on"
