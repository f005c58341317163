"""A Provenance that says that what it stood for was taken back (pure).

R4's Provenance has no status, and it needs an agent. So it is written again: its targets stay, the
activity is `NULLIFY`, and nobody is named any more as an author or verifier.
"""

from collections.abc import Collection
from typing import Final

from shared.fhir import codes
from shared.json import Json

GONE: Final = ("agent", "signature", "occurredDateTime", "occurredPeriod")
WHO: Final = "careloop: the EHR kept only a part of this write, and it was taken back"


def targets(provenance: Json) -> list[str]:
    """List what it is about, `Type/id` each."""
    return [t["reference"] for t in provenance.get("target", []) if "reference" in t]


def nullified(provenance: Json, now: str, refused: Collection[str] = ()) -> Json:
    """Copy the Provenance as one that stands for nothing.

    Args:
        now: an instant with zone.
        refused: targets that the EHR does not have; they stay as words, since many an EHR takes no
            reference to nothing.
    """
    kept = {key: value for key, value in provenance.items() if key not in GONE}
    agent = {"type": codes.concept(codes.PROVENANCE_AGENT, "enterer"), "who": {"display": WHO}}
    return kept | {
        "target": [
            {"display": target["reference"]} if target.get("reference") in refused else target
            for target in provenance.get("target", [])
        ],
        "recorded": now,
        "activity": codes.concept(codes.V3_DATA_OPERATION, "NULLIFY", "nullify"),
        "agent": [agent],
    }
