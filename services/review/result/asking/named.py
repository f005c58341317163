"""What the head and the resources of a result name (pure)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from services.review import present
from shared.answers import Head
from shared.fhir import codes
from shared.fhir.heads import sources_of
from shared.json import Json
from shared.references import is_a, local_reference, relative

PLAN_ELEMENTS: Final = (
    "supportingInfo",
    "addresses",
    "reasonReference",
    "supportingInformation",
    "priorPrescription",
    "implicated",
)
"""Elements of a plan and its parts."""
DEVICE_ELEMENTS: Final = ("device", "author", "performer", "requester")


def focus_of(head: Head) -> str:
    """Return what the head is about: the report or the plan, else the input."""
    return relative(head.task.get("focus", {}).get("reference", ""))


def resting(outputs: Iterable[Json]) -> list[str]:
    """Return what a plan, its proposals and its alerts rest on.

    Beside each other: of a long record the head does not name every source.
    """
    plan = list(outputs)
    details = (
        detail
        for r in plan
        for e in r.get("evidence", [])
        if isinstance(e, Mapping)
        for detail in present.references(e.get("detail"))
    )
    named = dict.fromkeys(
        [
            *(
                ref
                for r in plan
                for element in PLAN_ELEMENTS
                for ref in present.references(r.get(element))
            ),
            *details,
        ]
    )
    own = {local_reference(r) for r in plan}
    return [
        ref for ref in named if ref not in own and not ref.startswith(("Patient/", "urn:", "#"))
    ]


def source_references(task: Json) -> list[str]:
    """What the head says it was drawn from; the focus itself where nothing was drawn."""
    focus = [] if task.get("output") else list(present.references(task.get("focus")))
    return list(
        dict.fromkeys(
            r for r in [*sources_of(task), *focus] if not r.startswith(("Patient/", "urn:", "#"))
        )
    )


def device_references(resources: Iterable[Json]) -> list[str]:
    """The Devices that made these resources, in the order of their appearance."""
    found = []
    for resource in resources:
        for element in DEVICE_ELEMENTS:
            value = resource.get(element)
            items = value if isinstance(value, list) else [value] if value else []
            found += [
                *present.references(items),
                *(r for item in items for r in present.references(_alternates(item))),
            ]
    return list(dict.fromkeys(r for r in found if is_a(r, "Device")))


def _alternates(item: Mapping[str, Any]) -> list[Any]:
    return [
        e.get("valueReference")
        for e in item.get("extension", [])
        if e.get("url") == codes.ALTERNATE_REFERENCE
    ]
