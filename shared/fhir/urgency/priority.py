"""The priority of a result, from what was found (pure).

The codes are R4's request-priority. What makes a finding urgent is careloop's own choice, and
stands in the tables below for a hospital to check: a class too high costs a clinician minutes, one
too low costs a patient hours.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, get_args

from shared.fhir import codes, lifecycle
from shared.json import Json
from shared.references import subject_of

Priority = Literal["stat", "asap", "urgent", "routine"]
PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)
"""The most urgent first (R4 request-priority: stat at once, asap before urgent)."""
BY_SEVERITY: Final[Mapping[str, Priority]] = {"high": "urgent"}
"""Of an alert (DetectedIssue.severity)."""
BY_INTERPRETATION: Final[Mapping[str, Priority]] = {
    "AA": "asap",  # critical abnormal
    "HH": "asap",  # critical high
    "LL": "asap",  # critical low
    "HU": "urgent",  # significantly high
    "LU": "urgent",  # significantly low
}
"""Of an Observation."""
BY_CONCLUSION: Final[Mapping[tuple[str, str], Priority]] = {
    (codes.SNOMED, "233604007"): "urgent",  # pneumonia
    (codes.SNOMED, "36118008"): "stat",  # pneumothorax
}
"""Of a report, by its conclusionCode: what it names is suspected, never excluded."""


def priority_of(resources: Iterable[Json]) -> Priority:
    """Return the most urgent priority that any of the resources asks for.

    What was taken back asks for none.
    """
    found = {p for r in resources if _stands(r) for p in _asked(r)}
    return min(found, key=PRIORITIES.index, default="routine")


def stated(task: Json) -> Priority | None:
    """Return the priority that a head states; None: it states none that R4 knows."""
    return next((p for p in PRIORITIES if task.get("priority") == p), None)


def urgency_of(task: Json, parts: Iterable[Json]) -> Priority:
    """Return how urgent a head is: as it states, else as its parts ask for.

    Heads of former versions of careloop state none. Only what waits asks for any.

    Args:
        parts: all that it holds; another subject's count for nothing.
    """
    subject, waits = subject_of(task), task.get("status") == "requested"
    own = (part for part in parts if waits and subject_of(part) == subject)
    return stated(task) or priority_of(own)


def _stands(resource: Json) -> bool:
    return resource["resourceType"] not in lifecycle.STATUS or lifecycle.is_draft(resource)


def _asked(resource: Json) -> Iterator[Priority]:
    kind = resource["resourceType"]
    if kind == "DetectedIssue" and (asked := BY_SEVERITY.get(str(resource.get("severity")))):
        yield asked
    if kind == "Observation":
        for code, asked in BY_INTERPRETATION.items():
            if codes.has_code(resource.get("interpretation"), codes.INTERPRETATION, code):
                yield asked
    if kind == "DiagnosticReport":
        for (system, code), asked in BY_CONCLUSION.items():
            if codes.has_code(resource.get("conclusionCode"), system, code):
                yield asked
    # an order that a service proposes may say it itself
    yield from (p for p in PRIORITIES if resource.get("priority") == p)
