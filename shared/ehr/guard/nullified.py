"""A Provenance that says that what it stood for was taken back (pure).

R4's Provenance has no status, and it needs an agent. So it is written again: its targets stay, the
activity is `NULLIFY`, and nobody is named any more as an author or verifier.
"""

from typing import Final

from shared.fhir import codes
from shared.json import Json

GONE: Final = ("agent", "signature", "occurredDateTime", "occurredPeriod")
WHO: Final = "careloop: the EHR kept only a part of this write, and it was taken back"


def nullified(provenance: Json, now: str) -> Json:
    """Copy the Provenance as one that stands for nothing.

    Args:
        now: an instant with zone.
    """
    kept = {key: value for key, value in provenance.items() if key not in GONE}
    agent = {"type": codes.concept(codes.PROVENANCE_AGENT, "enterer"), "who": {"display": WHO}}
    return kept | {
        "recorded": now,
        "activity": codes.concept(codes.V3_DATA_OPERATION, "NULLIFY", "nullify"),
        "agent": [agent],
    }
