"""What a clinician says of a finding that she does not confirm (pure).

R4 has one status for an Observation that does not count, `cancelled`. A note tells the two apart: a
refuted finding is not there, and of one that is left out nothing is said.
"""

from collections.abc import Collection, Mapping
from typing import Final

from services.review.decision.parts import parts
from shared.json import Json

NOTED: Final = frozenset({"Observation", "Condition"})
REFUTED: Final = "Refuted by the clinician."
LEFT_OUT: Final = "Left out by the clinician: neither confirmed nor refuted."
LEFT_OUT_NAMES: Final = "Left out"
"""The head's note begins the names of what was left out with it."""
GONE: Final = frozenset({"cancelled", "refuted", "revoked", "entered-in-error", "rejected"})
"""Statuses that take a part back, of any kind."""


def is_gone(status: str | None) -> bool:
    """Tell whether a part with this status was not accepted."""
    return status in GONE


def noted(resource: Json, left_out: Collection[str], key: str, annotation: Json) -> Json:
    """The resource with the clinician's word on it, where its kind has notes."""
    if resource["resourceType"] not in NOTED:
        return resource
    note = annotation | {"text": LEFT_OUT if key in left_out else REFUTED}
    return resource | {"note": [*resource.get("note", []), note]}


def sentences(
    outputs: Mapping[str, Json], dropped: Collection[str], left_out: Collection[str]
) -> list[str]:
    """What was refuted and what was left out, a sentence each."""
    asked = [part for part in parts(outputs) if part.key in dropped]
    named = {
        "Refuted": [p.name for p in asked if p.key not in left_out],
        LEFT_OUT_NAMES: [p.name for p in asked if p.key in left_out],
    }
    return [f"{words}: {'; '.join(names)}." for words, names in named.items() if names]
