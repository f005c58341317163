"""What goes with what is dropped: whatever was drawn from it (pure)."""

from collections.abc import Iterator, Mapping
from typing import Final

from services.review.decision import amend
from shared.fhir import lifecycle
from shared.json import Json
from shared.references import local_reference, relative

RESTS_ON: Final = ("derivedFrom", "reasonReference", "basis")
"""What is dropped takes with it what names it in one of these."""


def taken_back(outputs: Mapping[str, Json]) -> frozenset[str]:
    """The keys of what another client has rejected already.

    Nothing that was drawn from it may be signed.
    """
    return frozenset(
        key
        for key, r in outputs.items()
        if r["resourceType"] in lifecycle.STATUS
        and lifecycle.status_of(r) in _rejected(r["resourceType"])
    )


def _rejected(kind: str) -> set[str | None]:
    table = lifecycle.STATUS[kind]
    return {table.get(stage) for stage in lifecycle.WITHDRAWN} - {None}


def with_dependants(outputs: Mapping[str, Json], dropped: frozenset[str]) -> frozenset[str]:
    """Add to the dropped keys those of their dependants.

    These are everything drawn from them, groups that have nothing left, and pictures that explain
    nothing any more.
    """
    gone = set(dropped)
    while True:
        lost = {local_reference(outputs[key]) for key in gone}
        more = {
            key
            for key, r in outputs.items()
            if key not in gone and (lost & set(_rests_on(r)) or _hollow(r, lost))
        }
        more |= amend.unexplained(outputs, gone) - gone
        if not more:
            return frozenset(gone)
        gone |= more


def _rests_on(resource: Json) -> Iterator[str]:
    for element in RESTS_ON:
        value = resource.get(element, [])
        for item in value if isinstance(value, list) else [value]:
            yield relative(item.get("reference", ""))


def _hollow(resource: Json, lost: set[str]) -> bool:
    if resource["resourceType"] != "RequestGroup":
        return False
    offered = [relative(a["resource"]["reference"]) for a in _actions(resource) if "resource" in a]
    return bool(offered) and lost.issuperset(offered)


def _actions(parent: Json) -> Iterator[Json]:
    for action in parent.get("action", []):
        yield action
        yield from _actions(action)
