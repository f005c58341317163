"""One answer, one transaction: guarded by the head's version, checked before it leaves (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.answers import Head
from shared.errors import InvalidResource
from shared.fhir import codes, lifecycle
from shared.fhir.check import check_bundle
from shared.fhir.drafts import TIMES, Draft, Pen
from shared.fhir.sources import more, named
from shared.json import Json
from shared.references import relative


@dataclass(frozen=True)
class Standing:
    """What an earlier write of this revision left at the EHR, by key: the resources as read just
    now.
    """

    by_key: Mapping[str, Json]

    def reference(self, key: str) -> str | None:
        """`Type/id` of the resource with this key."""
        found = self.by_key.get(key)
        return f"{found['resourceType']}/{found['id']}" if found else None


NOTHING = Standing({})
GROWING: Final = frozenset(
    {"coding", "extension"}
)  # lists that others add to without changing what is said


def transaction(head: Head, task: Json, entries: Iterable[Json]) -> Json:
    """The Bundle: `PUT Task` under ifMatch first, then the entries; checked whole.

    Raises:
        InvalidResource: a resource breaks a rule, a reference leads nowhere, or the Bundle is over
            900 kB.
    """
    return checked([put(task, head.version), *entries])


def checked(entries: Sequence[Json]) -> Json:
    """A transaction of these entries; raises InvalidResource like `transaction`."""
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
    check_bundle(bundle)
    _nothing_final_without_a_human([e["resource"] for e in entries])
    return bundle


def _nothing_final_without_a_human(resources: Sequence[Json]) -> None:
    """What careloop writes carries the AI label and is a draft or taken back; another status needs
    a verifier's Provenance in the same transaction.
    """
    verified = {t["reference"] for r in resources if _verifies(r) for t in r["target"]}
    for resource in resources:
        kind = resource["resourceType"]
        if kind not in lifecycle.STATUS:
            continue
        if not codes.has_code(
            resource.get("meta", {}).get("security"), codes.OBSERVATION_VALUE, "AIAST"
        ):
            raise InvalidResource(f"{kind} without the AI label")
        status, table = lifecycle.status_of(resource), lifecycle.STATUS[kind]
        open_to_all = lifecycle.is_draft(resource) or status == table["rejected"]
        if not open_to_all and f"{kind}/{resource.get('id')}" not in verified:
            raise InvalidResource(f"{kind} would be {status} without a clinician's Provenance")


def _verifies(resource: Json) -> bool:
    """A Provenance in which a Practitioner, not a Device, is the verifier."""
    agents = resource.get("agent", []) if resource["resourceType"] == "Provenance" else []
    return any(
        codes.has_code(a.get("type"), codes.PROVENANCE_AGENT, "verifier")
        and a["who"].get("reference", "").startswith("Practitioner/")
        for a in agents
    )


def put(resource: Json, version: str) -> Json:
    """An update of one version of a resource, and of no other."""
    reference = f"{resource['resourceType']}/{resource['id']}"
    request = {"method": "PUT", "url": reference, "ifMatch": f'W/"{version}"'}
    return {"fullUrl": reference, "resource": _without_meta_noise(resource), "request": request}


def post(resource: Json, uuid: str, if_none_exist: str | None = None) -> Json:
    """A create, conditional where a query is given; `uuid` is its `urn:uuid:...` within the Bundle."""
    request = {"method": "POST", "url": resource["resourceType"]} | (
        {"ifNoneExist": if_none_exist} if if_none_exist else {}
    )
    return {"fullUrl": uuid, "resource": resource, "request": request}


def written(drafts: Sequence[Draft], standing: Standing) -> list[Json]:
    """Entries that make the EHR hold exactly these drafts: new ones created, standing drafts
    replaced, forgotten ones rejected.

    What a clinician decided on, one part at a time, is never written over: it stays as it is when
    the draft says the same, else the draft stands beside it.
    """
    known = targets(drafts, standing)
    pointers = {d.uuid: known[d.key] for d in drafts}
    entries = []
    for draft in drafts:
        resource = _pointed(draft.resource, pointers)
        if known[draft.key] == draft.uuid:
            entries.append(post(resource, draft.uuid))
        elif not decided(old := standing.by_key[draft.key]):
            entries.append(put(resource | {"id": old["id"]}, old["meta"]["versionId"]))
    keys = {d.key for d in drafts}
    return entries + retracted(
        Standing({k: r for k, r in standing.by_key.items() if k not in keys})
    )


def decided(resource: Json) -> bool:
    """Somebody gave it a status that careloop never gives by itself."""
    table = lifecycle.STATUS[resource["resourceType"]]
    return not lifecycle.is_draft(resource) and lifecycle.status_of(resource) != table["rejected"]


def retracted(standing: Standing) -> list[Json]:
    """Entries that reject what stands and is still a draft; what a clinician decided on is left
    alone.
    """
    drafts = [
        r
        for r in standing.by_key.values()
        if r["resourceType"] in lifecycle.STATUS and lifecycle.is_draft(r)
    ]
    return [put(lifecycle.at_stage(r, "rejected"), r["meta"]["versionId"]) for r in drafts]


def targets(drafts: Sequence[Draft], standing: Standing) -> dict[str, str]:
    """Key -> `Type/id` where it stands and may stay, else its urn:uuid: what the head's outputs and
    the Provenance point at.
    """
    stands = {d.key: standing.reference(d.key) for d in drafts}
    pointers = {d.uuid: reference for d in drafts if (reference := stands[d.key])}
    return {
        d.key: d.uuid if _outgrown(d, standing, pointers) else stands[d.key] or d.uuid
        for d in drafts
    }


def _outgrown(draft: Draft, standing: Standing, pointers: Mapping[str, str]) -> bool:
    """A decided part whose draft says something else now."""
    old = standing.by_key.get(draft.key)
    return (
        old is not None
        and decided(old)
        and not _holds(old, _said(_pointed(draft.resource, pointers)))
    )


def _said(resource: Json) -> Json:
    """What a draft says, without who, when and how far decided."""
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
    return {k: v for k, v in resource.items() if k not in aside}


def _holds(old: Any, new: Any) -> bool:
    """The old one says all that the new one says. A clinician or the EHR may have said more: a
    note, an asserter, an extension, a name beside a reference or a code, a second coding, a host
    before the reference. None of it makes the draft another statement."""
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
    """Who wrote it, from what: sources with their versions (in `what.identifier`, since some
    servers strip them from references).
    """
    one_by_one, others = named(sources)
    entities = [
        {"role": "source", "what": _versioned(reference, sources[reference])}
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
    """The draft that is the head's focus.

    Raises:
        InvalidResource: no draft has the key `report`, or two have the same key.
    """
    keys = [d.key for d in drafts]
    if "report" not in keys or len(set(keys)) != len(keys):
        raise InvalidResource("an answer needs one draft with the key `report`, and no key twice")
    return drafts[keys.index("report")]


def _versioned(reference: str, version: str) -> Json:
    identifier = {
        "system": f"{codes.NS}/version",
        "value": f"{relative(reference)}/_history/{version}",
    }
    return codes.reference(reference) | {"identifier": identifier}


def _without_meta_noise(resource: Json) -> Json:
    meta = {
        k: v for k, v in resource.get("meta", {}).items() if k in ("security", "profile", "tag")
    }
    rest = {k: v for k, v in resource.items() if k != "meta"}
    return rest | ({"meta": meta} if meta else {})


def _pointed(node: Any, known: Mapping[str, str]) -> Any:
    """The same JSON with every reference to a standing draft turned to its `Type/id`."""
    if isinstance(node, list):
        return [_pointed(item, known) for item in node]
    if isinstance(node, dict):
        return {
            k: known.get(v, v) if k == "reference" and isinstance(v, str) else _pointed(v, known)
            for k, v in node.items()
        }
    return node
