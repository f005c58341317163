"""The clinical content of what treatment reads, and its digest (pure).

The digest decides whether a plan is drawn again. Left out is what says nothing about the patient:
ids, versions, texts for display, who wrote when, and careloop's own hours of writing. Of status
only what changes the meaning stays:

- preliminary, partial -> final (a bare signature): the same content. Likewise a Condition of our
  notes that is confirmed.
- amended, corrected, or another conclusion, result or value: another content.
- cancelled, refuted, entered in error, stopped, resolved: it was not gathered, so it is not here:
  another content.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from shared.answers import digest
from shared.fhir import codes
from shared.fhir.summary import answer_of
from shared.fhir.times.clinical import clinical_time
from shared.json import Json

AMENDED: Final = frozenset({"amended", "corrected", "appended"})
KEPT: Final[Mapping[str, tuple[str, ...]]] = {
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
DROPPED: Final = ("id", "display", "reference", "userSelected")
REACTION: Final = ("substance", "manifestation", "severity")


def content_of(resources: Iterable[Json]) -> str:
    """Compute the SHA-256 (hex) of the clinical content, in whatever order it comes."""
    contents = (orjson.dumps(clinical(r), option=orjson.OPT_SORT_KEYS) for r in resources)
    return digest(sorted(content.decode() for content in contents))


def clinical(resource: Json) -> Json:
    """Keep the clinical content of one resource: see the module's docstring.

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
        kept["verification"] = _verification(resource)
    if kind == "AllergyIntolerance":
        kept["reaction"] = [
            plain({k: r[k] for k in REACTION if k in r}) for r in resource.get("reaction", [])
        ]

    return {"kind": kind, **kept}


def _verification(condition: Json) -> str | None:
    # a problem of our notes is the same content before and after a clinician confirms it
    if answer_of(condition):
        return "ours"
    return codes.first_code(condition.get("verificationStatus"), codes.CONDITION_VERIFICATION)


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
    if not answer_of(resource):
        period = plain(resource.get("effectivePeriod"))
        kept["effective"] = resource.get("effectiveDateTime") or period
    elif time := clinical_time(resource):
        # that of the film or the note: how old it is decides what counts
        kept["effective"] = time

    return kept


def plain(value: Any) -> Any:
    """Drop ids, displays and references from a value.

    The same code is the same content, whatever it is called and wherever it stands.
    """
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items() if k not in DROPPED}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value
