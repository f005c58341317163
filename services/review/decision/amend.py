"""What an amendment takes off a result beside what the clinician dropped.

The model's structured words for what no longer holds (pure).

An amended report is final and stands under a verifier's Provenance, and its `conclusion` is the
clinician's. R4 calls `conclusionCode` the codes that represent that summary, `presentedForm` the
entire report as issued, and `text` the resource in words: left as the model wrote them, they would
say in the clinician's name what she took back.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from services.review import present
from shared.fhir import codes
from shared.json import Json

RETELLING: Final = ("text", "presentedForm")  # repeat the whole result, what was dropped included


def amended(
    focus: Json, outputs: Mapping[str, Json], gone: Collection[str], *, rewritten: bool
) -> Json:
    """The focus without what contradicts the amendment.

    Args:
        gone: the keys of what is not accepted.
        rewritten: the conclusion has other words now: then no code of the model stands for it, and
            neither does the model's confidence.
    """
    own = {k: v for k, v in focus.items() if k not in RETELLING}
    if rewritten:
        own["extension"] = [
            e for e in own.get("extension", []) if e.get("url") != codes.AI_CONFIDENCE
        ]
    dropped, kept = (
        _said(r for key, r in outputs.items() if (key in gone) == lost) for lost in (True, False)
    )
    own["conclusionCode"] = (
        []
        if rewritten
        else [
            c for c in own.get("conclusionCode", []) if not _names(c) & dropped or _names(c) & kept
        ]
    )
    return {k: v for k, v in own.items() if v or k not in ("extension", "conclusionCode")}


def unexplained(outputs: Mapping[str, Json], gone: Collection[str]) -> frozenset[str]:
    """The keys of the pictures that explain nothing.

    A heat map shows where a finding came from, and no finding is left.
    """
    findings = [key for key, r in outputs.items() if r["resourceType"] == "Observation"]
    left = not findings or any(key not in gone for key in findings)
    return (
        frozenset()
        if left
        else frozenset(key for key, r in outputs.items() if r["resourceType"] == "Media")
    )


def _said(resources: Iterable[Json]) -> frozenset[str]:
    """Whatever the findings and problems say, as codes or.

    Where they have none, in words.
    """
    elements = (
        r.get(e)
        for r in resources
        if r["resourceType"] in ("Observation", "Condition")
        for e in ("code", "valueCodeableConcept")
    )
    return frozenset().union(*(_names(e) for e in elements))


def _names(concept: Any) -> frozenset[str]:
    coded = frozenset(
        f"{c.get('system', '')}|{c['code']}" for c in codes.codings(concept) if "code" in c
    )
    return coded or frozenset(filter(None, [present.concept_text(concept).casefold()]))
