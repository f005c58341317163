"""The rows of a worklist: as the EHR's own Tasks make them, and as an index lists them.

What the EHR makes is computed here from plain JSON, without the code of the index.
"""

from collections.abc import Iterator
from typing import Any, Final

import httpx

from services.review.worklist.index import Index
from services.review.worklist.kept.query import Filter, Place
from services.review.worklist.kept.rows import Listed
from services.review.worklist.listing import OUTCOMES
from shared.fhir import codes

URGENCY: Final = ["stat", "asap", "urgent", "routine"]
GRAVE: Final = ["high", "moderate", "low"]
Row = dict[str, Any]


def of_ehr(base: str) -> dict[str, list[Row]]:
    """Read all Tasks and what they name; outcome -> its rows, in the order of the list."""
    with httpx.Client(base_url=base, timeout=60) as http:
        made = [row for task in _all(http, "Task") if (row := _row(http, task))]
    found = {outcome: [row for row in made if row["outcome"] == outcome] for outcome in OUTCOMES}
    for outcome, rows in found.items():
        if outcome == "requested":
            rows.sort(key=lambda r: (URGENCY.index(r["priority"]), r["created"], r["task"]))
        else:
            rows.sort(key=lambda r: (r["changed"], r["task"]), reverse=True)
    return found


def of_index(index: Index, size: int = 40) -> dict[str, list[Row]]:
    """Walk all pages of all outcomes; the counts must be those of the rows."""
    return {outcome: list(_walked(index, Filter(outcome), size)) for outcome in OUTCOMES}


def _walked(index: Index, wanted: Filter, size: int) -> Iterator[Row]:
    place, met = None, 0
    while True:
        page = index.page(wanted, place, size)
        assert page.before == met or not page.entries
        assert page.counts.get(wanted.outcome, 0) == page.total
        yield from (_listed(each) for each in page.entries)
        met += len(page.entries)
        if len(page.entries) < size:
            break
        place = Place(page.entries[-1].key)
    assert met == page.total


def _listed(each: Listed) -> Row:
    entry, patient = each.entry, each.patient
    return {
        "task": entry.task,
        "outcome": entry.outcome,
        "service": entry.service,
        "revision": entry.revision,
        "subject": entry.subject,
        "priority": entry.priority,
        "created": entry.created,
        "changed": entry.changed,
        "owner": (entry.owner, entry.owner_name),
        "reason": entry.reason,
        "decision": entry.decision,
        "text": entry.text,
        "alerts": (entry.severity, entry.alerts),
        "categories": list(entry.categories),
        "patient": patient and (patient.name, patient.birth, patient.replaced_by),
    }


def _row(http: httpx.Client, task: Row) -> Row | None:
    tokens = {i["system"]: i["value"] for i in task.get("identifier", [])}
    if codes.REVISION not in tokens:
        return None
    subject, owner = task.get("for", {}).get("reference", ""), task.get("owner", {})
    waits = task["status"] == "requested"
    outputs = [o["valueReference"]["reference"] for o in task.get("output", [])]
    own = [r for ref in outputs if (r := _read(http, ref)) and _subject(r) == subject]
    report: Row = next((r for r in own if r["resourceType"] == "DiagnosticReport"), {})
    issues = [r for r in own if r["resourceType"] == "DetectedIssue" and waits]
    grave = [r["severity"] for r in issues if r["status"] == "preliminary"]
    worst = min(grave, key=GRAVE.index, default="")
    return {
        "task": task["id"],
        "outcome": task["status"],
        "service": tokens[codes.SERVICE],
        "revision": int(tokens[codes.REVISION].split(".")[-1]),
        "subject": subject,
        "priority": task.get("priority", "urgent" if worst == "high" else "routine"),
        "created": task["authoredOn"],
        "changed": task["lastModified"],
        "owner": (owner.get("reference", ""), owner.get("display", "")),
        "reason": task.get("statusReason", {}).get("text", ""),
        "decision": next((c["code"] for c in _codings(task.get("businessStatus"))), ""),
        "text": report.get("conclusion", "") if waits else "",
        "alerts": (worst, grave.count(worst)),
        "categories": sorted(
            c["code"] for each in report.get("category", []) for c in _codings(each)
        ),
        "patient": _patient(http, subject),
    }


def _patient(http: httpx.Client, subject: str) -> tuple[str, str, str] | None:
    patient = _read(http, subject)
    if not patient:
        return None
    by = [k["other"]["reference"] for k in patient.get("link", []) if k["type"] == "replaced-by"]
    replaced = by[0] if by and patient.get("active") is not True else ""
    return patient["name"][0]["text"], patient["birthDate"], replaced


def _codings(concept: Row | None) -> list[Row]:
    return list((concept or {}).get("coding", []))


def _subject(resource: Row) -> str:
    return str(resource.get("subject", resource.get("patient", {})).get("reference"))


def _read(http: httpx.Client, reference: str) -> Row | None:
    answer = http.get(f"/{reference}")
    return dict(answer.json()) if answer.is_success else None


def _all(http: httpx.Client, kind: str) -> Iterator[Row]:
    """Every standing resource, page by page; a head could be on two."""
    seen = set()
    offset: str | None = f"/{kind}?_count=200&_sort=_id"
    while offset:
        bundle = http.get(offset, headers={"Cache-Control": "no-cache"}).json()
        for entry in bundle.get("entry", []):
            if entry["resource"]["id"] not in seen:
                seen.add(entry["resource"]["id"])
                yield entry["resource"]
        links = [k["url"] for k in bundle.get("link", []) if k["relation"] == "next"]
        offset = f"{http.base_url}{_tail(links[0])}" if links else None


def _tail(link: str) -> str:
    """The query of a next link, whatever host its server believes in."""
    path, _, query = link.partition("?")
    return f"{'Task' if path.endswith('/Task') else ''}?{query}"
