"""A draft care plan: its goals, its proposals and what it rests on (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any, Final

from services.review import present
from services.review.panels.findings import notes_of
from shared.fhir import lifecycle
from shared.json import Json
from shared.references import local_reference, relative

MOST_WORDS: Final = 160
KINDS: Final = {
    "MedicationRequest": "Medication",
    "ServiceRequest": "Service",
    "RequestGroup": "Choice",
    "Goal": "Goal",
}


@dataclass(frozen=True)
class Group:
    """A choice: what it is about, what it advises, who says so."""

    title: str = ""
    citations: tuple[dict[str, str], ...] = ()


NO_GROUP: Final = Group()
UNREADABLE_ORDER: Final = "an order that can't be read"


@dataclass(frozen=True)
class Proposal:
    """One activity: something that the clinician may accept or drop.

    Attributes:
        group: the title of the choice it belongs to (at most one of several), or empty.
        instead_of: the order that it is meant to replace; signing stops that one, or names it.
    """

    key: str
    kind: str
    name: str
    dosage: tuple[str, ...]
    reasons: tuple[str, ...]
    note: str
    group: str
    citations: tuple[dict[str, str], ...]
    status: str
    instead_of: str = ""


@dataclass(frozen=True)
class Proposals:
    """What a plan proposes, and what it advises in words alone."""

    lines: Sequence[Proposal]
    advice: Sequence[str]


@dataclass(frozen=True)
class Support:
    """A result or record entry that the plan rests on.

    Attributes:
        task_id: of the result's page, None for what is no result of ours.
        preliminary: no clinician has signed it.
    """

    reference: str
    name: str
    status: str
    preliminary: bool
    task_id: str | None


def proposed(
    outputs: Mapping[str, Json], names: Mapping[str, str], plan: Mapping[str, Any]
) -> Proposals | None:
    """Return what the plan proposes; None where it proposes nothing."""
    made = Proposals(proposals(outputs, names), advice(plan))
    return made if made.lines or made.advice else None


def proposals(outputs: Mapping[str, Json], names: Mapping[str, str]) -> list[Proposal]:
    """Goals, medications and services, in the order of the answer.

    A choice's alternatives carry its title.
    """
    groups = {
        ref: group
        for r in outputs.values()
        if r["resourceType"] == "RequestGroup"
        for ref, group in _offered(r.get("action", []), NO_GROUP)
    }
    wanted = ("Goal", "MedicationRequest", "ServiceRequest")
    return [
        proposal(key, r, names, groups.get(local_reference(r), NO_GROUP))
        for key, r in outputs.items()
        if r["resourceType"] in wanted
    ]


def proposal(key: str, resource: Json, names: Mapping[str, str], group: Group) -> Proposal:
    """The resource as a line."""
    concepts = (
        present.concept_text(resource.get(e))
        for e in ("medicationCodeableConcept", "code", "description")
    )
    cited = [
        *present.citations(resource),
        *(present.cite(u, u) for u in resource.get("instantiatesUri", [])),
        *group.citations,
    ]
    because = [
        names.get(r, "")
        for r in present.references(
            [*resource.get("reasonReference", []), *resource.get("addresses", [])]
        )
    ]
    return Proposal(
        key=key,
        kind=KINDS[resource["resourceType"]],
        name=next(filter(None, concepts), "") or KINDS[resource["resourceType"]],
        dosage=tuple(
            filter(
                None,
                [
                    *(d.get("text", "") for d in resource.get("dosageInstruction", [])),
                    *targets(resource),
                ],
            )
        ),
        reasons=tuple(
            dict.fromkeys(
                filter(
                    None,
                    [*because, *(present.concept_text(c) for c in resource.get("reasonCode", []))],
                )
            )
        ),
        note=notes_of(resource),
        group=group.title,
        citations=tuple(cited),
        status=lifecycle.status_of(resource) or "",
        instead_of=", ".join(
            names.get(r, UNREADABLE_ORDER)
            for r in present.references(resource.get("priorPrescription"))
        ),
    )


def targets(goal: Mapping[str, Any]) -> Iterator[str]:
    """What a Goal aims at, `Systolic blood pressure < 130 mmHg`."""
    for target in goal.get("target", []):
        value = (
            present.quantity_text(target["detailQuantity"])
            if "detailQuantity" in target
            else target.get("detailString", "")
        )
        yield " ".join(filter(None, [present.concept_text(target.get("measure")), value]))


def supports(
    plan: Mapping[str, Any], read: Mapping[str, Json | None], tasks: Mapping[str, str]
) -> list[Support]:
    """Return what the plan rests on (`supportingInfo`, `addresses`).

    As far as it could be read and is this patient's.
    """
    wanted = dict.fromkeys(
        [
            *present.references(plan.get("supportingInfo")),
            *present.references(plan.get("addresses")),
        ]
    )
    return [support(ref, r, tasks.get(ref)) for ref in wanted if (r := read.get(ref))]


def support(reference: str, resource: Json, task_id: str | None) -> Support:
    """The resource as a line."""
    status = lifecycle.status_of(resource) or ""
    name = (
        present.concept_text(resource.get("code"))
        or present.concept_text(resource.get("type"))
        or present.kind_text(str(resource["resourceType"]))
    )
    conclusion = resource.get("conclusion", "")
    preliminary = resource["resourceType"] in lifecycle.STATUS and lifecycle.is_draft(resource)
    return Support(
        reference,
        f"{name}: {shorten(conclusion, MOST_WORDS, placeholder=' …')}" if conclusion else name,
        status,
        preliminary,
        task_id,
    )


def report_pages(heads: Sequence[Json]) -> dict[str, str]:
    """Focus -> Task id: the page of each report."""
    return {
        relative(t["focus"]["reference"]): t["id"]
        for t in heads
        if t.get("output") and "reference" in t.get("focus", {})
    }


def advice(plan: Mapping[str, Any]) -> list[str]:
    """Activities that are words alone."""
    return [
        a["detail"]["description"]
        for a in plan.get("activity", [])
        if a.get("detail", {}).get("description")
    ]


def _offered(actions: Sequence[Mapping[str, Any]], group: Group) -> Iterator[tuple[str, Group]]:
    """(reference, the choice that offers it) of every action.

    The outermost title names the choice, its alternatives name themselves.
    """
    for action in actions:
        cited = tuple(
            present.cite(d.get("display"), d.get("url")) for d in action.get("documentation", [])
        )
        own = Group(group.title or action.get("title", ""), (*group.citations, *cited))
        if "resource" in action:
            yield relative(action["resource"].get("reference", "")), group if group.title else own
        yield from _offered(action.get("action", []), own)
