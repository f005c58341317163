"""The summary of a resource in an event (pure).

It holds references, status and codes, never a name or a value.
"""

from shared.events import Action, ResourceEvent
from shared.fhir import codes
from shared.fhir.person import linked_records
from shared.json import Json
from shared.references import (
    identifiers_of,
    is_a,
    local_reference,
    relative,
    subject_of,
    version_of,
)

CODED_ELEMENTS = ("category", "type", "code", "modality", "procedureCode", "class")


def event_of(resource: Json, action: Action) -> ResourceEvent:
    """Summarise this version of the resource as an event."""
    meta = resource.get("meta", {})
    series = [s.get("modality") for s in resource.get("series", [])]
    coded = [resource.get(element) for element in CODED_ELEMENTS] + series
    found = {
        f"{coding.get('system', '')}|{coding['code']}"
        for element in coded
        for coding in codes.codings(element)
        if "code" in coding
    }
    status = resource.get("status") or _code(resource.get("clinicalStatus"))
    return ResourceEvent(
        focus=local_reference(resource),
        version=version_of(resource),
        action=action,
        subject=subject_of(resource),
        status=status if isinstance(status, str) else None,
        intent=resource.get("intent"),
        verification=_code(resource.get("verificationStatus")),
        codes=tuple(sorted(found)),
        content_types=_content_types(resource),
        replaces=replaces(resource),
        links=linked_records(resource),
        answer_of=answer_of(resource),
        time=str(meta.get("lastUpdated", "")),
    )


def replaces(resource: Json) -> tuple[str, ...]:
    """List the documents (`DocumentReference/id`) of this EHR replaced by this one."""
    related = (
        resource.get("relatesTo", []) if resource.get("resourceType") == "DocumentReference" else []
    )
    targets = (r.get("target", {}).get("reference") for r in related if r.get("code") == "replaces")
    ours = {r for t in targets if t and is_a(r := relative(t), "DocumentReference")}
    return tuple(sorted(ours))


def answer_of(resource: Json) -> str | None:
    """Return the name of the resource's service, for an answer of careloop."""
    ours = (i for i in identifiers_of(resource) if i.get("system") == codes.SERVICE)
    return next((i["value"] for i in ours if "value" in i), None)


def _content_types(resource: Json) -> tuple[str, ...]:
    """List the MIME types of a DocumentReference's attachments."""
    if resource["resourceType"] != "DocumentReference":
        return ()

    attachments = [content.get("attachment", {}) for content in resource.get("content", [])]
    return tuple(a["contentType"] for a in attachments if "contentType" in a)


def _code(element: object) -> str | None:
    return next((c["code"] for c in codes.codings(element) if "code" in c), None)
