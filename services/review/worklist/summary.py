"""What a waiting result says and how urgent it is, for the worklist.

Read from the EHR, many results at a time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Final

from services.review.panels import findings
from shared.answers import Head
from shared.ehr.client import Ehr
from shared.fhir import lifecycle
from shared.json import Json
from shared.references import is_a, relative, subject_of

AT_ONCE: Final = 40  # ids in one search
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

    @property
    def rank(self) -> int:
        """0 is the most urgent."""
        return (
            findings.SEVERITIES.index(self.severity)
            if self.severity in findings.SEVERITIES
            else len(findings.SEVERITIES)
        )


def summaries(ehr: Ehr, heads: Sequence[Head], *, words: bool) -> dict[str, Summary]:
    """Head reference -> what it says.

    Args:
        words: read the reports and plans, too; else only the alerts, which is enough to sort by.
    """
    wanted = [ref for h in heads for ref in _parts(h) if words or is_a(ref, "DetectedIssue")]
    read = _read(ehr, wanted)
    return {
        h.reference: _summary(
            [r for ref in _parts(h) if (r := read.get(ref)) and subject_of(r) == subject_of(h.task)]
        )
        for h in heads
    }


def _parts(head: Head) -> list[str]:
    """The alerts and the focus."""
    alerts = [ref for ref in head.outputs.values() if is_a(ref, "DetectedIssue")]
    focus = relative(head.task.get("focus", {}).get("reference", ""))
    return [*alerts, *([focus] if focus in head.outputs.values() else [])]


def _summary(parts: Sequence[Json]) -> Summary:
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


def _read(ehr: Ehr, references: Iterable[str]) -> Mapping[str, Json]:
    by_kind: dict[str, list[str]] = {}
    for kind, _, id in (r.partition("/") for r in dict.fromkeys(references)):
        by_kind.setdefault(kind, []).append(id)
    found: dict[str, Json] = {}
    for kind, ids in by_kind.items():
        for at in range(0, len(ids), AT_ONCE):
            some = ids[at : at + AT_ONCE]
            found |= {
                f"{kind}/{r['id']}": r
                for r in ehr.search(kind, {"_id": ",".join(some), "_count": str(len(some))})
                if r["id"] in some
            }
    return found
