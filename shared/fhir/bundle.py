"""The one transaction of an answer (pure).

The head's version guards it, and it is checked before it leaves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.answers import Head
from shared.errors import InvalidResource
from shared.fhir import codes, lifecycle
from shared.fhir.check import check_bundle
from shared.fhir.drafts import TIMES, Draft, Pen
from shared.fhir.sources import more, named
from shared.fhir.times import clinical
from shared.json import Json
from shared.references import is_a, local_reference, relative, version_of


@dataclass(frozen=True)
class Standing:
    """What an earlier write of this revision left at the EHR, by key.

    The resources are as read just now.
    """

    by_key: Mapping[str, Json]

    def reference(self, key: str) -> str | None:
        """Return `Type/id` of the resource with this key."""
        found = self.by_key.get(key)
        return local_reference(found) if found else None


NOTHING = Standing({})
GROWING: Final = frozenset({"coding", "extension"})
"""Lists to which others add without changing the statement."""


def transaction(head: Head, task: Json, entries: Iterable[Json]) -> Json:
    """Build the checked Bundle: `PUT Task` under its guard first, then the entries.

    Raises:
        InvalidResource: a resource breaks a rule, a reference leads nowhere, or the Bundle is over
            900 kB.
    """
    return checked([put(task, head.version), *entries])


def checked(entries: Sequence[Json]) -> Json:
    """Build a transaction of these entries; raises InvalidResource like `transaction`."""
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
    check_bundle(bundle)
    _nothing_final_without_a_human([e["resource"] for e in entries])
    return bundle


def _nothing_final_without_a_human(resources: Sequence[Json]) -> None:
    """Refuse a resource without the AI label or with a status of its own making.

    What careloop writes is a draft or rejected. Another status needs a verifier's Provenance in the
    same transaction. An order of others may only be stopped.
    """
    verified = {t["reference"] for r in resources if _verifies(r) for t in r["target"]}
    for resource in resources:
        kind = resource["resourceType"]
        if kind not in lifecycle.STATUS:
            continue
        status, table = lifecycle.status_of(resource), lifecycle.STATUS[kind]
        label = resource.get("meta", {}).get("security")
        ended = kind == "MedicationRequest" and status == "stopped"
        if not ended and not codes.has_code(label, codes.OBSERVATION_VALUE, "AIAST"):
            raise InvalidResource(f"{kind} without the AI label")
        open_to_all = lifecycle.is_draft(resource) or status == table["rejected"]
        if not open_to_all and f"{kind}/{resource.get('id')}" not in verified:
            raise InvalidResource(f"{kind} would be {status} without a clinician's Provenance")


def _verifies(resource: Json) -> bool:
    """Tell whether a Provenance has a Practitioner, not a Device, as its verifier."""
    agents = resource.get("agent", []) if resource["resourceType"] == "Provenance" else []
    return any(
        codes.has_code(a.get("type"), codes.PROVENANCE_AGENT, "verifier")
        and is_a(a["who"].get("reference"), "Practitioner")
        for a in agents
    )


def put(resource: Json, version: str) -> Json:
    """Build an update of one version of a resource, and of no other.

    Args:
        version: empty: the resource is created, and nothing is ever replaced.
    """
    reference = local_reference(resource)
    guard = {"ifMatch": f'W/"{version}"'} if version else {"ifNoneMatch": "*"}
    request = {"method": "PUT", "url": reference, **guard}
    return {"fullUrl": reference, "resource": _without_server_meta(resource), "request": request}


def post(resource: Json, uuid: str, if_none_exist: str | None = None) -> Json:
    """Build a create, conditional with a query.

    Args:
        uuid: `urn:uuid:...`, the name of the resource within the Bundle.
    """
    request = {"method": "POST", "url": resource["resourceType"]}
    if if_none_exist:
        request["ifNoneExist"] = if_none_exist
    return {"fullUrl": uuid, "resource": resource, "request": request}


def written(drafts: Sequence[Draft], standing: Standing) -> list[Json]:
    """Build the entries to make the EHR hold exactly these drafts.

    New ones are created, drafts at the EHR are replaced, and drafts that are no longer listed are
    rejected. What a clinician decided on, one part at a time, is never overwritten: it stays as it
    is if the draft says the same, else the draft is created beside it.
    """
    known = targets(drafts, standing)
    pointers = {d.uuid: known[d.key] for d in drafts}

    entries = []
    for draft in drafts:
        resource = pointed(draft.resource, pointers)
        if known[draft.key] == draft.uuid:
            entries.append(post(resource, draft.uuid))
        elif not decided(old := standing.by_key[draft.key]):
            entries.append(put(resource | {"id": old["id"]}, version_of(old)))

    keys = {d.key for d in drafts}
    forgotten = {key: r for key, r in standing.by_key.items() if key not in keys}
    return entries + retracted(Standing(forgotten))


def decided(resource: Json) -> bool:
    """Tell whether somebody else gave it its status: careloop alone never gives it."""
    table = lifecycle.STATUS[resource["resourceType"]]
    return not lifecycle.is_draft(resource) and lifecycle.status_of(resource) != table["rejected"]


def retracted(standing: Standing) -> list[Json]:
    """Build the entries to reject the drafts; decided resources stay."""
    drafts = [
        r
        for r in standing.by_key.values()
        if r["resourceType"] in lifecycle.STATUS and lifecycle.is_draft(r)
    ]
    return [put(lifecycle.at_stage(r, "rejected"), version_of(r)) for r in drafts]


def targets(drafts: Sequence[Draft], standing: Standing) -> dict[str, str]:
    """Map each key to its resource: `Type/id` if it stays, else the draft's urn:uuid.

    The head's outputs and the Provenance point there.
    """
    present = {d.key: standing.reference(d.key) for d in drafts}
    pointers = {d.uuid: reference for d in drafts if (reference := present[d.key])}
    return {
        d.key: d.uuid if _outgrown(d, standing, pointers) else present[d.key] or d.uuid
        for d in drafts
    }


def _outgrown(draft: Draft, standing: Standing, pointers: Mapping[str, str]) -> bool:
    """Tell whether a part was decided on and its draft says something else now."""
    old = standing.by_key.get(draft.key)
    return (
        old is not None
        and decided(old)
        and not _holds(old, _statement(pointed(draft.resource, pointers)))
    )


def _statement(resource: Json) -> Json:
    """Return the statement of a draft, without its author, times and status."""
    kind = resource["resourceType"]
    aside = {
        "id",
        "meta",
        "text",
        "identifier",
        lifecycle.STATUS_ELEMENT.get(kind, "status"),
        "clinicalStatus",
        *TIMES.get(kind, ()),
    }
    return {k: v for k, v in clinical.timeless(resource).items() if k not in aside}


def _holds(old: Any, new: Any) -> bool:
    """Tell whether the old resource makes the whole statement of the new one.

    A clinician or the EHR may have added something: a note, an asserter, an extension, a name
    beside a reference or a code, a second coding, a host before the reference. None of these makes
    the draft another statement.
    """
    if isinstance(new, dict):
        aside = {"reference": {"display", "type"}, "code": {"display"}}
        beside = {
            element
            for key, elements in aside.items()
            if isinstance(new.get(key), str)
            for element in elements
        }
        return isinstance(old, dict) and all(
            _holds_in(old, key, value) for key, value in new.items() if key not in beside
        )
    if isinstance(new, list):
        return isinstance(old, list) and len(old) == len(new) and all(map(_holds, old, new))
    return bool(old == new)


def _holds_in(old: Json, key: str, new: Any) -> bool:
    if key == "reference" and isinstance(new, str):
        return relative(str(old.get(key))) == relative(new)
    if key in GROWING:
        return isinstance(old.get(key), list) and all(
            any(_holds(item, wanted) for item in old[key]) for wanted in new
        )
    return key in old and _holds(old[key], new)


def provenance(
    pen: Pen,
    targets: Iterable[str],
    sources: Mapping[str, str],
    cards: Iterable[str],
    replaced: str | None,
) -> Json:
    """Build the Provenance: the authors, the sources and their versions.

    The versions are in `what.identifier`, because some servers strip them from references.
    """
    one_by_one, others = named(sources)
    entities = [
        {"role": "source", "what": codes.versioned(reference, sources[reference])}
        for reference in one_by_one
    ]
    entities += [{"role": "source", "what": {"display": more(others)}}] if others else []
    entities += [{"role": "derivation", "what": codes.reference(card)} for card in cards]
    if replaced:
        entities.append({"role": "revision", "what": codes.reference(replaced)})
    agents = [
        {
            "type": codes.concept(codes.PROVENANCE_AGENT, "author"),
            "role": [{"coding": [codes.AI_ROLE]}],
            "who": codes.reference(device),
        }
        for device in pen.devices.values()
    ]
    return {
        "resourceType": "Provenance",
        "target": [codes.reference(t) for t in targets],
        "recorded": pen.now,
        "reason": [{"coding": [codes.AI_LABEL]}],
        "agent": agents,
        "entity": entities,
    }


def report_of(drafts: Sequence[Draft]) -> Draft:
    """Return the head's focus: the draft with the key `report`.

    Raises:
        InvalidResource: no draft has the key `report`, or two have the same key.
    """
    keys = [d.key for d in drafts]
    if "report" not in keys or len(set(keys)) != len(keys):
        raise InvalidResource("an answer needs one draft with the key `report`, and no key twice")
    return drafts[keys.index("report")]


def _without_server_meta(resource: Json) -> Json:
    meta = {
        k: v for k, v in resource.get("meta", {}).items() if k in ("security", "profile", "tag")
    }
    rest = {k: v for k, v in resource.items() if k != "meta"}
    return rest | ({"meta": meta} if meta else {})


def pointed(node: Any, known: Mapping[str, str]) -> Any:
    """Replace references to standing drafts by their `Type/id`."""
    if isinstance(node, list):
        return [pointed(item, known) for item in node]
    if isinstance(node, dict):
        return {
            k: known.get(v, v) if k == "reference" and isinstance(v, str) else pointed(v, known)
            for k, v in node.items()
        }
    return node
