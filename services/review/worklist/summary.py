"""What a waiting result says and how grave it is, in a line (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Final

from services.review.panels import findings
from shared.fhir import lifecycle
from shared.json import Json

MOST_WORDS: Final = 160


@dataclass(frozen=True)
class Summary:
    """One result in a line.

    Attributes:
        severity: of its gravest alert that nobody has decided on, or empty.
        alerts: how many of that severity.
        text: how its conclusion begins; of a plan its description.
    """

    severity: str = ""
    alerts: int = 0
    text: str = ""


def summary_of(parts: Sequence[Json]) -> Summary:
    """Summarise a report or plan and its alerts."""
    open_alerts = [
        r for r in parts if r["resourceType"] == "DetectedIssue" and lifecycle.is_draft(r)
    ]
    severity = next(
        (s for s in findings.SEVERITIES if any(r.get("severity") == s for r in open_alerts)), ""
    )
    said = next(
        (
            str(r.get("conclusion") or r.get("description") or r.get("title") or "")
            for r in parts
            if r["resourceType"] != "DetectedIssue"
        ),
        "",
    )
    return Summary(
        severity,
        sum(r.get("severity") == severity for r in open_alerts) if severity else 0,
        shorten(said, MOST_WORDS, placeholder=" …"),
    )
