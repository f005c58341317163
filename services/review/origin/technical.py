"""The ids and digests behind a result, which the page keeps folded (pure).

People read names; who looks for a fault needs what the record calls things.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.review.panels.findings import called
from services.review.result.result import Result
from shared.fhir import codes
from shared.json import Json
from shared.references import identifiers_of, local_reference, version_of


@dataclass(frozen=True)
class Technical:
    """One line.

    Attributes:
        what: what it is, for people.
        id: what machines call it.
    """

    what: str
    id: str


def technical(result: Result) -> list[Technical]:
    """List the ids of a result: its parts, its sources, its rules and its models."""
    return list(dict.fromkeys(_lines(result)))


def _lines(result: Result) -> Iterator[Technical]:
    head = result.head
    yield Technical("This result", f"{head.reference}, version {head.version}")
    records = result.records if result.person else (result.subject,)
    yield from (Technical("Patient record", record) for record in records if record)
    focus = head.task.get("focus", {})
    if not result.outputs and (named := _pointer(focus)):
        yield Technical("Analysed", named)

    for resource in result.outputs.values():
        yield Technical(called(resource), f"{local_reference(resource)}, {_version(resource)}")
        yield from (Technical(f"Rule of: {called(resource)}", rule) for rule in _rules(resource))
    for source in result.sources:
        yield Technical(f"Drawn from: {called(source)}", f"{local_reference(source)}")

    yield from (Technical("No longer in the record", ref) for ref in result.missing)
    if result.foreign:
        yield Technical("Parts of another patient", str(len(result.foreign)))
    for device in result.devices:
        for version in device.get("version", []):
            yield Technical("Digest of the model", str(version.get("value", "")))


def _rules(resource: Json) -> Iterator[str]:
    ours = (i for i in identifiers_of(resource) if i.get("system") == codes.RULE)
    yield from (str(i["value"]) for i in ours if "value" in i)


def _version(resource: Json) -> str:
    return f"version {version_of(resource)}"


def _pointer(focus: Mapping[str, Any]) -> str:
    return str(focus.get("reference") or focus.get("identifier", {}).get("value", ""))
