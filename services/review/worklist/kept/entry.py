"""Entries: a head as the worklist shows and sorts it (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.review import present
from services.review.access.roles import categories_of
from services.review.result.read import service_of
from services.review.worklist.kept.marks import Mark, mark_of, utc
from services.review.worklist.summary import summary_of
from shared.answers import Head
from shared.fhir import codes
from shared.fhir.urgency.acknowledgement import URGENT, acknowledgement_of, waits_since
from shared.fhir.urgency.priority import PRIORITIES, Priority, stated, urgency_of
from shared.json import Json
from shared.references import is_a, moment_of, relative, subject_of

REPORTS = ("DiagnosticReport", "CarePlan")
SUMMARISED = (*REPORTS, "DetectedIssue")


@dataclass(frozen=True)
class Entry:
    """One head.

    Attributes:
        task: the Task's id.
        subject: `Patient/id`; another type, or empty, where it is about no patient.
        priority: as its Task says; of one without, as its parts ask for.
        created, changed: instants in UTC; empty where the Task tells none.
        owner: `Practitioner/id` of who has claimed it, or decided; empty: nobody.
        title: of its own; empty: its service's.
        text: how its conclusion begins.
        reason: why it was not analysed, failed or was rejected.
        decision: signed, amended, rejected; empty where nobody decided.
        severity, alerts: of the gravest open alerts, and how many there are.
        categories: of its report, sorted; empty where it has none.
        since: since when it waits, in UTC: an urgent one to be acknowledged, see
            `shared.fhir.urgency.acknowledgement`; any other to be decided on.
        seen_by, seen_name, seen_at: who acknowledged an urgent one, and when; empty: nobody.
    """

    task: str
    mark: Mark
    service: str
    outcome: str
    revision: int
    subject: str
    priority: Priority
    created: str
    changed: str
    owner: str
    owner_name: str
    title: str
    text: str
    reason: str
    decision: str
    severity: str
    alerts: int
    categories: tuple[str, ...]
    since: str = ""
    seen_by: str = ""
    seen_name: str = ""
    seen_at: str = ""

    @property
    def rank(self) -> int:
        """Its place among the priorities: 0 is the most urgent."""
        return PRIORITIES.index(self.priority)

    @property
    def seen(self) -> bool:
        """Tell whether somebody acknowledged it."""
        return bool(self.seen_by)


def parts_of(head: Head) -> list[str]:
    """List what an entry needs beside the head, `Type/id` each.

    The report or plan, and of what waits its alerts; all parts where it states no priority.
    """
    focus = relative(head.task.get("focus", {}).get("reference", ""))
    reports = [ref for ref in head.outputs.values() if ref.split("/")[0] in REPORTS]
    report = focus if focus in head.outputs.values() else next(iter(reports), "")
    waits = head.outcome == "requested"
    is_silent = stated(head.task) is None
    others = [r for r in head.outputs.values() if waits and (is_silent or is_a(r, "DetectedIssue"))]
    return list(dict.fromkeys([*([report] if report else []), *others]))


def entry_of(head: Head, parts: Sequence[Json]) -> Entry:
    """Make the entry of a head.

    Args:
        parts: what the EHR has of `parts_of`; another patient's count for nothing.
    """
    task, subject = head.task, subject_of(head.task)
    own = [part for part in parts if subject_of(part) == subject]
    said = summary_of([part for part in own if part["resourceType"] in SUMMARISED])
    owner = task.get("owner") or {}
    report = next((part for part in own if part["resourceType"] in REPORTS), None)
    changed = utc(task.get("lastModified", "")) or utc(moment_of(task))
    created = utc(task.get("authoredOn", "")) or changed
    priority = urgency_of(task, own)
    seen = acknowledgement_of(task) if priority in URGENT else None
    return Entry(
        task=head.reference.split("/", 1)[1],
        mark=mark_of(task),
        service=service_of(task),
        outcome=head.outcome,
        revision=head.revision,
        subject=subject or "",
        priority=priority,
        created=created,
        changed=changed,
        owner=relative(owner.get("reference", "")),
        owner_name=owner.get("display", ""),
        title=task.get("description", ""),
        text=said.text if head.outcome == "requested" else "",
        reason=present.concept_text(task.get("statusReason")),
        decision=codes.first_code(task.get("businessStatus"), codes.DECISION) or "",
        severity=said.severity,
        alerts=said.alerts,
        categories=tuple(sorted(categories_of(report))) if report else (),
        since=utc(waits_since(task)) if priority in URGENT else created,
        seen_by=seen.person if seen else "",
        seen_name=seen.name if seen else "",
        seen_at=utc(seen.time) if seen else "",
    )
