"""What `Patient/$merge` writes, as HAPI FHIR does it (and R5 describes), and how it is undone.

left       the source's resources keep naming it: many EHRs
rewritten  they name the target: `$merge`
deleted    as rewritten, and the source is deleted: `$merge` with `delete-source`
"""

from typing import Any, Final, Literal

import httpx

from shared.ehr.client import Ehr
from shared.fhir import bundle
from shared.json import Json
from shared.references import version_of

How = Literal["left", "rewritten", "deleted"]
WAYS: Final[tuple[How, ...]] = ("left", "rewritten", "deleted")
HAS_NONE: Final = frozenset({404, 405, 501})
"""Answers of a server without `$merge`."""
CANNOT: Final = "HAPI-2704"
"""HAPI 8.8 to `$merge` where an AuditEvent names two things, as one about an input does."""
OF_A_PATIENT: Final = (
    "AllergyIntolerance",
    "CarePlan",
    "Condition",
    "Consent",
    "DetectedIssue",
    "DiagnosticReport",
    "DocumentReference",
    "Goal",
    "MedicationRequest",
    "Observation",
    "RequestGroup",
    "ServiceRequest",
    "Task",
)


def merge(ehr: Ehr, source: str, target: str, how: How = "left") -> None:
    """Merge the source into the target; by the server's own `$merge` where it has one."""
    if how != "left" and _merges_itself(ehr, source, target, delete=how == "deleted"):
        return

    retired, survivor = stands(ehr, source), stands(ehr, target)
    if how != "left":
        rewrite(ehr, source, target)
    if how == "deleted":
        # `$merge` leaves no link to what it deletes
        httpx.delete(f"{ehr.base}/{source}", timeout=60).raise_for_status()
        return

    by, of = link("replaced-by", target), link("replaces", source)
    save(ehr, retired | {"active": False, "link": [*retired.get("link", []), by]})
    save(ehr, survivor | {"active": True, "link": [*survivor.get("link", []), of]})


def _merges_itself(ehr: Ehr, source: str, target: str, *, delete: bool) -> bool:
    parameters = [
        {"name": "source-patient", "valueReference": {"reference": source}},
        {"name": "target-patient", "valueReference": {"reference": target}},
        {"name": "delete-source", "valueBoolean": delete},
    ]
    answer = httpx.post(
        f"{ehr.base}/Patient/$merge",
        json={"resourceType": "Parameters", "parameter": parameters},
        headers={"Content-Type": "application/fhir+json"},
        timeout=60,
    )
    if answer.status_code in HAS_NONE or CANNOT in answer.text:
        return False
    answer.raise_for_status()
    return True


def unmerge(ehr: Ehr, source: str, target: str) -> None:
    """Take the links between the two away; the source is in use again."""
    for reference, other in ((source, target), (target, source)):
        resource = stands(ehr, reference)
        kept = [k for k in resource.get("link", []) if k["other"]["reference"] != other]
        rest = {k: v for k, v in resource.items() if k != "link"} | {"active": True}
        save(ehr, rest | ({"link": kept} if kept else {}))


def rewrite(ehr: Ehr, source: str, target: str) -> None:
    """Let everything that names the source name the target."""
    id = source.split("/")[1]
    found = [r for kind in OF_A_PATIENT for r in ehr.search(kind, {"patient": id}, subject=source)]
    # HAPI: a Patient that an AuditEvent names can't be deleted
    found += [r for r in ehr.search("AuditEvent", {"entity": source}) if _names(r, source)]
    entries = [bundle.put(_renamed(r, source, target), version_of(r)) for r in found]
    if entries:
        ehr.transact({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def link(kind: str, other: str) -> Json:
    return {"type": kind, "other": {"reference": other}}


def say(ehr: Ehr, reference: str, *links: Json, active: bool | None = None) -> None:
    """Let a record say these links and no others."""
    kept = {k: v for k, v in stands(ehr, reference).items() if k not in ("link", "active")}
    stated = {} if active is None else {"active": active}
    save(ehr, kept | stated | ({"link": list(links)} if links else {}))


def stands(ehr: Ehr, reference: str) -> Json:
    resource = ehr.read(reference)
    assert resource is not None
    return resource


def save(ehr: Ehr, resource: Json) -> None:
    ehr.update(resource, version_of(resource))


def _names(audit: Json, source: str) -> bool:
    entities = audit.get("entity", [])
    return any(e.get("what", {}).get("reference") == source for e in entities)


def _renamed(node: Any, source: str, target: str) -> Any:
    if isinstance(node, list):
        return [_renamed(item, source, target) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        k: target if k == "reference" and v == source else _renamed(v, source, target)
        for k, v in node.items()
    }
