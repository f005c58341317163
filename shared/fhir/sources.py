"""The sources of an answer, and the choice of those named one by one (pure).

A plan may rest on thousands of results, and each is named in the head, in the Provenance and in the
AuditEvent. Without a limit no EHR would take the answer. The basis of an answer covers every
source, named or not.
"""

from collections.abc import Iterable
from typing import Final

from shared.references import type_of

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
"""Where not all are named, the first types are: a clinician opens them before single values."""


def rank(reference: str) -> int:
    """Return the place of its type in the order of importance; unknown ones come last."""
    kind = type_of(reference)
    return IMPORTANCE.index(kind) if kind in IMPORTANCE else len(IMPORTANCE)


def named(sources: Iterable[str]) -> tuple[list[str], int]:
    """Split the sources (`Type/id`) into those to name and the number of the others.

    They keep their order, unless some are left out.
    """
    every = list(sources)
    if len(every) <= NAMED:
        return every, 0
    return sorted(every, key=rank)[:NAMED], len(every) - NAMED


def more(count: int) -> str:
    """Write a line in place of the other sources."""
    return f"{count} more that this answer rests on"
