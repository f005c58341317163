"""The abilities of an EHR, as it proved them at the start (`shared.ehr.proof`)."""

from dataclasses import dataclass
from typing import Final, Literal

from shared.json import Json

CreateGuard = Literal["If-Match", "If-None-Match"]
"""How an update is told to create a resource and never to replace one. FHIR R4 leaves that open:
HAPI takes `If-Match: W/"0"`, others `If-None-Match: *`.
"""
CREATE_GUARDS: Final[dict[CreateGuard, Json]] = {
    "If-Match": {"ifMatch": 'W/"0"'},
    "If-None-Match": {"ifNoneMatch": "*"},
}


@dataclass(frozen=True)
class Abilities:
    """The abilities of an EHR beyond careloop's demands.

    Attributes:
        batches: it answers several reads and searches in one request.
        create_guard: how it is told to create and never to replace; None: it can't, and a head is
            made by conditional create, in a step of its own.
    """

    batches: bool = False
    create_guard: CreateGuard | None = None

    def guarded(self, entry: Json) -> Json:
        """Write an entry's `ifNoneMatch: *` in this EHR's own way.

        Raises:
            ValueError: there is none; such an entry must not be made for this EHR.
        """
        request = entry.get("request", {})
        if "ifNoneMatch" not in request:
            return entry
        if self.create_guard is None:
            raise ValueError("this EHR can't be told to create and never to replace")
        plain = {k: v for k, v in request.items() if k != "ifNoneMatch"}
        return entry | {"request": plain | CREATE_GUARDS[self.create_guard]}


UNPROVEN: Final = Abilities()
"""What every EHR can do."""
