"""The clinical content of what treatment reads, and its digest: what decides whether a plan is
drawn again (pure).

Left out is what says nothing about the patient: ids, versions, texts for display, who wrote when,
and careloop's own hours of writing. Of status only what changes the meaning stays, so:

- preliminary, partial -> final (a bare signature): the same content. Likewise a Condition of our
  notes that is confirmed.
- amended, corrected, or another conclusion, result or value: another content.
- cancelled, refuted, entered in error, stopped, resolved: it was not gathered, so it is not here:
  another content.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from shared.answers import digest
from shared.fhir import codes
from shared.fhir.summary import answer_of
from shared.json import Json

AMENDED = frozenset({"amended", "corrected", "appended"})
KEPT: Mapping[str, tuple[str, ...]] = {
    "Patient": ("birthDate", "gender"),
    "DiagnosticReport": ("code", "category", "conclusion", "conclusionCode"),
    "Observation": ("code", "interpretation", "bodySite", "dataAbsentReason", "method"),
    "Condition": ("code", "clinicalStatus", "severity", "stage", "bodySite", "onsetDateTime"),
    "MedicationRequest": (
        "status",
        "intent",
        "doNotPerform",
        "medicationCodeableConcept",
        "dosageInstruction",
        "reasonCode",
    ),
    "Medication": ("code", "form", "amount", "ingredient"),
    "AllergyIntolerance": (
        "code",
        "clinicalStatus",
        "verificationStatus",
        "type",
        "category",
        "criticality",
    ),
}


def content_of(resources: Iterable[Json]) -> str:
    """SHA-256 (hex) of the clinical content, whatever the order of the resources."""
    return digest(
        sorted(orjson.dumps(clinical(r), option=orjson.OPT_SORT_KEYS).decode() for r in resources)
    )


def clinical(resource: Json) -> Json:
    """The clinical content of one resource: see the module's docstring.

    KeyError for a kind that treatment does not read.
    """
    kind = resource["resourceType"]
    kept = {name: plain(resource[name]) for name in KEPT[kind] if name in resource}
    if kind in ("DiagnosticReport", "Observation"):
        kept["state"] = "amended" if resource.get("status") in AMENDED else "current"
        kept["service"] = answer_of(resource)
    if kind == "Observation":
        kept |= _observation(resource)
    if kind == "Condition":
        kept["verification"] = (
            "ours"
            if answer_of(resource)
            else codes.first_code(resource.get("verificationStatus"), codes.CONDITION_VERIFICATION)
        )
    if kind == "AllergyIntolerance":
        kept["reaction"] = [
            plain({k: r[k] for k in ("substance", "manifestation", "severity") if k in r})
            for r in resource.get("reaction", [])
        ]
    return {"kind": kind, **kept}


def _observation(resource: Json) -> Json:
    kept: Json = {k: plain(v) for k, v in resource.items() if k.startswith("value")}
    kept["component"] = [
        plain({k: v for k, v in c.items() if k == "code" or k.startswith("value")})
        for c in resource.get("component", [])
    ]
    kept["note"] = [n.get("text", "") for n in resource.get("note", [])]
    kept["citation"] = [
        plain(e) for e in resource.get("extension", []) if e.get("url") == codes.RELATED_ARTIFACT
    ]
    if not answer_of(resource):  # the hour of ours is the hour of writing, and changes on a rerun
        kept["effective"] = resource.get("effectiveDateTime") or plain(
            resource.get("effectivePeriod")
        )
    return kept


def plain(value: Any) -> Any:
    """The value without ids, displays and references: the same code is the same content, whatever
    it is called and wherever it stands.
    """
    if isinstance(value, Mapping):
        return {
            k: plain(v)
            for k, v in value.items()
            if k not in ("id", "display", "reference", "userSelected")
        }
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value
