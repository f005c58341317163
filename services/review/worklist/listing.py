"""The worklist: the heads of one outcome, a page at a time.

What waits by urgency, then what nobody has acknowledged, then oldest first; all else newest first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.review.panels.declared import panel_of
from services.review.result.read import service_of
from services.review.worklist.index import Index
from services.review.worklist.kept.query import EVERYTHING, SEPARATOR, Allowed, Filter, Place
from services.review.worklist.kept.rows import Listed
from shared.fhir.urgency.acknowledgement import Acknowledgement
from shared.fhir.urgency.priority import Priority
from shared.instants import now, parse
from shared.json import Json

PAGE_SIZE: Final = 25
STALE_SEC: Final = 60.0
OUTCOMES: Final = {  # the head's status -> its tab, in the order of urgency
    "requested": "Waiting for review",
    "failed": "Failed",
    "rejected": "Not analysed",
    "draft": "Being analysed",
    "completed": "Decided",
    "cancelled": "Withdrawn",
}
OUTCOME_HELP: Final = {
    "requested": "AI drafts that no clinician has decided on yet: the most urgent first; of these "
    "first those that nobody has acknowledged; then those that have waited longest.",
    "failed": "The analysis failed. The technical team sees these among the dead letters and "
    "can run them again.",
    "rejected": "The input is not suitable for the analysis; the reason is in the row.",
    "draft": "A service is working on these now.",
    "completed": "Signed, amended or rejected by a clinician.",
    "cancelled": "The input was deleted, entered in error or replaced.",
}


@dataclass(frozen=True)
class Row:
    """One line of the worklist.

    Attributes:
        title: what it is about; reason: why it was not analysed, failed or was rejected.
        patient: her name; None where the EHR has no such record, or the subject is no patient.
        priority: of what waits; created: since when it waits; changed: the last change.
        severity, alerts: of its gravest open alerts.
        decision: signed, amended, rejected; empty where nobody decided.
        owner: `Practitioner/id` of who has claimed it or decided; owner_name: for people.
        replaced_by: `Patient/id` of the record in use, where the subject's is replaced; else empty.
        version: what the list showed, for a change of its owner.
        categories: of its report, or those that its service declares.
        withheld: this user may not read its content, which is left out.
        since: since when it waits: an urgent one to be acknowledged, any other to be decided on.
        seen: who acknowledged it; None: nobody.
        concealed: its content waits for this user's own look at the film.
    """

    task_id: str
    version: str
    service: str
    title: str
    subject: str
    patient: str | None
    birth: str
    replaced_by: str
    revision: int
    priority: Priority
    created: str
    changed: str
    reason: str
    decision: str
    owner: str
    owner_name: str
    severity: str
    alerts: int
    text: str
    categories: frozenset[str]
    withheld: bool = False
    since: str = ""
    seen: Acknowledgement | None = None
    concealed: bool = False


@dataclass(frozen=True)
class Worklist:
    """One page of it.

    Attributes:
        first: the number of its first row, from 1.
        total: how many fit the filter.
        earlier, later: the places of the pages beside it, as links name them; empty: there is none.
        counts: how many of each outcome fit the filter.
        changes: the index's number of changes when it was read.
    """

    rows: Sequence[Row]
    first: int
    total: int
    earlier: str
    later: str
    counts: Mapping[str, int]
    changes: int


@dataclass(frozen=True)
class State:
    """How far the list can be trusted.

    Attributes:
        is_complete: False: it is being built, and results are missing.
        stale_since: an instant; empty while it is up to date.
    """

    is_complete: bool
    stale_since: str

    @property
    def mark(self) -> str:
        """Say it in a word, for open tabs; empty where the list can be trusted."""
        if not self.is_complete:
            return " building"
        return " stale" if self.stale_since else ""


def worklist(
    index: Index, wanted: Filter, place: Place | None = None, allowed: Allowed = EVERYTHING
) -> Worklist:
    """Return the page at the place; the EHR is not asked.

    Args:
        allowed: what the reader may see: the rest has no rows and does not count.
    """
    page = index.page(wanted, place, PAGE_SIZE, allowed)
    keys = [SEPARATOR.join(listed.key) for listed in page.entries]
    end = page.before + len(keys)
    return Worklist(
        [row(listed) for listed in page.entries],
        page.before + 1,
        page.total,
        keys[0] if keys and page.before else "",
        keys[-1] if keys and end < page.total else "",
        dict.fromkeys(OUTCOMES, 0) | dict(page.counts),
        page.changes,
    )


def state(index: Index) -> State:
    """Tell how far the list can be trusted."""
    swept = index.fact("swept") or ""
    is_stale = not swept or (parse(now()) - parse(swept)).total_seconds() > STALE_SEC
    return State(index.fact("complete") is not None, swept if is_stale else "")


def row(listed: Listed) -> Row:
    """Return an entry as a line."""
    entry, patient = listed.entry, listed.patient
    return Row(
        task_id=entry.task,
        version=entry.mark.version,
        service=entry.service,
        title=entry.title or panel_of(entry.service).title,
        subject=entry.subject,
        patient=patient.name if patient else None,
        birth=patient.birth if patient else "",
        replaced_by=patient.replaced_by if patient else "",
        revision=entry.revision,
        priority=entry.priority,
        created=entry.created,
        changed=entry.changed,
        reason=entry.reason,
        decision=entry.decision,
        owner=entry.owner,
        owner_name=entry.owner_name,
        severity=entry.severity,
        alerts=entry.alerts,
        text=entry.text,
        categories=frozenset(entry.categories) or panel_of(entry.service).categories,
        since=entry.since,
        seen=Acknowledgement(entry.seen_by, entry.seen_name, entry.seen_at) if entry.seen else None,
    )


def title(task: Json) -> str:
    """Return what the result is called, from its service alone.

    A row must not need the report.
    """
    return task.get("description") or panel_of(service_of(task)).title
