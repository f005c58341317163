"""What an event says of a resource: references, status and codes, never a name or a value (pure)."""

from shared.events import Action, ResourceEvent
from shared.fhir import codes
from shared.json import Json
from shared.references import relative, subject_of

CODED_ELEMENTS = ("category", "type", "code", "modality", "procedureCode", "class")


def event_of(resource: Json, action: Action) -> ResourceEvent:
    """The event that tells of this version of the resource."""
    meta = resource.get("meta", {})
    series = [s.get("modality") for s in resource.get("series", [])]
    coded = [resource.get(e) for e in CODED_ELEMENTS] + series
    status = resource.get("status") or _code(resource.get("clinicalStatus"))
    return ResourceEvent(
        focus=f"{resource['resourceType']}/{resource['id']}",
        version=str(meta.get("versionId", "")),
        action=action,
        subject=subject_of(resource),
        status=status if isinstance(status, str) else None,
        intent=resource.get("intent"),
        verification=_code(resource.get("verificationStatus")),
        codes=tuple(
            sorted(
                {
                    f"{c.get('system', '')}|{c['code']}"
                    for element in coded
                    for c in codes.codings(element)
                    if "code" in c
                }
            )
        ),
        content_types=tuple(
            c["attachment"]["contentType"]
            for c in resource.get("content", [])
            if "contentType" in c.get("attachment", {})
        )
        if resource["resourceType"] == "DocumentReference"
        else (),
        replaces=replaces(resource),
        answer_of=answer_of(resource),
        time=str(meta.get("lastUpdated", "")),
    )


def replaces(resource: Json) -> tuple[str, ...]:
    """`DocumentReference/id` of the documents that this one says it replaces."""
    related = (
        resource.get("relatesTo", []) if resource.get("resourceType") == "DocumentReference" else []
    )
    targets = (r.get("target", {}).get("reference") for r in related if r.get("code") == "replaces")
    return tuple(sorted({relative(t) for t in targets if t}))


def answer_of(resource: Json) -> str | None:
    """The service that wrote the resource, by careloop's identifier on it."""
    identifiers = resource.get("identifier", [])
    listed = identifiers if isinstance(identifiers, list) else [identifiers]
    return next(
        (i["value"] for i in listed if i.get("system") == codes.SERVICE and "value" in i), None
    )


def _code(element: object) -> str | None:
    return next((c["code"] for c in codes.codings(element) if "code" in c), None)
