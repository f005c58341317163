"""The clinician who is logged in and may decide (pure)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Practitioner:
    """Who decides.

    Attributes:
        reference: `Practitioner/id`.
        name: for people.
    """

    reference: str
    name: str
