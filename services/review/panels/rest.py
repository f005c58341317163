"""What a result holds and no other part of the page shows (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.review import present
from services.review.panels import findings
from shared.fhir import lifecycle
from shared.json import Json


@dataclass(frozen=True)
class Line:
    """One resource, in a line."""

    key: str
    kind: str
    name: str
    value: str
    note: str
    status: str


def rest(outputs: Mapping[str, Json], keys: Iterable[str]) -> list[Line]:
    """Return the outputs with these keys as lines."""
    return [_line(key, outputs[key]) for key in keys]


def _line(key: str, resource: Json) -> Line:
    name = findings.name_of(resource)
    value = present.value_text(resource)
    return Line(
        key=key,
        kind=present.kind_text(str(resource["resourceType"])),
        name=name or "not named",
        value="" if value == name else value,
        note=findings.notes_of(resource),
        status=lifecycle.status_of(resource) or str(resource.get("status", "")),
    )
