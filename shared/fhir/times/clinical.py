"""The clinical time of a resource: when what it speaks of was so (pure).

`issued`, `recorded` and `authored` say when something was written. The clinical time is that of the
film, the note, the sample. What is not stated is None, and never now.
"""

from collections.abc import Callable
from typing import Final

from shared.fhir import codes
from shared.fhir.times.stated import (
    date_time,
    document_time,
    first,
    items,
    specimen_time,
    study_time,
)
from shared.json import Json
from shared.references import identifiers_of

ELEMENT: Final = {
    "DiagnosticReport": "effectiveDateTime",
    "Observation": "effectiveDateTime",
    "Media": "createdDateTime",
}
"""Where the kinds that careloop writes keep it. R4's `Media.created` is when it was collected."""
EXTENSION: Final = {"Condition": codes.ASSERTED_DATE, "CarePlan": codes.NEWEST_INPUT}
"""Kinds without such an element."""
OBSERVED: Final = ("effectiveDateTime", "effectiveInstant", "effectivePeriod")
RECORDED: Final = {
    "AllergyIntolerance": ("recordedDate",),
    "Condition": ("recordedDate",),
    "DiagnosticReport": OBSERVED,
    "Media": ("createdDateTime", "createdPeriod"),
    "MedicationRequest": ("authoredOn",),
    "MedicationStatement": ("effectiveDateTime", "effectivePeriod", "dateAsserted"),
    "Observation": OBSERVED,
}
"""Where the kinds of the record keep it, the best element first."""
READERS: Final[dict[str, Callable[[Json], str | None]]] = {
    "DocumentReference": document_time,
    "ImagingStudy": study_time,
    "Specimen": specimen_time,
}


def elements(kind: str, time: str | None) -> Json:
    """Write the clinical time where this kind keeps it; nothing where it is not known."""
    if time is None:
        return {}
    if kind in ELEMENT:
        return {ELEMENT[kind]: time}
    if kind in EXTENSION:
        return {"extension": [{"url": EXTENSION[kind], "valueDateTime": time}]}
    return {}


def timeless(resource: Json) -> Json:
    """Leave the clinical time out of a resource that careloop writes."""
    kind = resource["resourceType"]
    kept = {k: v for k, v in resource.items() if k != ELEMENT.get(kind)}
    if kind not in EXTENSION or "extension" not in kept:
        return kept

    others = [e for e in items(kept.pop("extension")) if e.get("url") != EXTENSION[kind]]
    return kept | ({"extension": others} if others else {})


def clinical_time(resource: Json) -> str | None:
    """Read the clinical time of a resource; None where it states none."""
    kind = str(resource.get("resourceType", ""))
    if kind in READERS:
        return READERS[kind](resource)
    if _is_ours(resource):
        return _written(resource, kind)
    return _extended(resource, EXTENSION.get(kind)) or first(resource, RECORDED.get(kind, ()))


def _written(resource: Json, kind: str) -> str | None:
    """Read what we wrote; the time of recording is that of the analysis."""
    time = date_time(resource.get(ELEMENT.get(kind, "")))
    # careloop before this version wrote the hour of analysis as both
    if time is not None and time == resource.get("issued"):
        return None
    return time or _extended(resource, EXTENSION.get(kind))


def _extended(resource: Json, url: str | None) -> str | None:
    found = (e for e in items(resource.get("extension")) if url and e.get("url") == url)
    return next(filter(None, (date_time(e.get("valueDateTime")) for e in found)), None)


def _is_ours(resource: Json) -> bool:
    return any(i.get("system") == codes.SERVICE for i in identifiers_of(resource))
