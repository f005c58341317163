"""Find the unsigned results under a result: each is asked for by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.review import present
from services.review.panels import findings, plan
from services.review.result.heads import heads_of
from services.review.result.result import Result
from shared.answers import Head
from shared.ehr.client import Ehr
from shared.fhir import codes, lifecycle
from shared.fhir.heads import head_of
from shared.json import Json
from shared.references import local_reference

RESULTS: Final = frozenset({"DiagnosticReport", "Observation", "DetectedIssue", "Condition"})
"""What a clinician verifies; an order or a plan is no result."""


@dataclass(frozen=True)
class Unsigned:
    """One result that nobody has signed.

    Attributes:
        reference: names it in the form: its report, or the resource itself where no result of ours
            holds it.
        task_id: of the page on which it can be signed first; None where it is not ours.
    """

    reference: str
    name: str
    task_id: str | None


def unsigned(ehr: Ehr, result: Result) -> list[Unsigned]:
    """List the unsigned results under this one.

    Each comes once, in the order of the sources. A finding of a report stands for the report.
    """
    drafts = {local_reference(r): r for r in result.sources if _is_unsigned(r)}
    if not drafts:
        return []
    waiting = _waiting(result.at(ehr), result.records)
    found: dict[str, Unsigned] = {}
    for reference, resource in drafts.items():
        head = waiting.get(reference)
        shown = _focus(head) if head else reference
        task_id = head.reference.split("/")[1] if head else None
        name = _name(drafts.get(shown, resource))
        found.setdefault(shown, Unsigned(shown, name, task_id))
    return list(found.values())


def _is_unsigned(resource: Json) -> bool:
    """Tell whether it waits for a clinician.

    A Condition that the hospital itself calls unconfirmed does not.
    """
    kind = resource["resourceType"]
    if kind not in RESULTS or not lifecycle.is_draft(resource):
        return False
    labels = resource.get("meta", {}).get("security")
    return kind != "Condition" or codes.has_code(labels, codes.OBSERVATION_VALUE, "AIAST")


def _waiting(ehr: Ehr, records: Sequence[str]) -> Mapping[str, Head]:
    """Map everything that a waiting result holds to its head."""
    found = (head_of(task) for task in heads_of(ehr, records) if task.get("status") == "requested")
    return {ref: head for head in found for ref in head.outputs.values()}


def _focus(head: Head) -> str:
    return head.outputs.get("report", head.reference)


def _name(resource: Json) -> str:
    if resource["resourceType"] == "DiagnosticReport":
        return plan.support(local_reference(resource), resource, None).name
    return findings.name_of(resource) or present.kind_text(str(resource["resourceType"]))
