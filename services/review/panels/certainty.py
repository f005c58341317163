"""How sure a model is, in words (pure).

In ranks and thresholds, never a bare percentage. Model cards call these numbers ranks: they order
findings, and are no chance of disease.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.review import present
from shared.fhir import codes

CERTAINTY_OF_FINDING: Final = "111012"
"""DICOM PS3.16, TID 4006: a model's score of 0 to 100."""
SCORE: Final = "Model's score"
RANK_ONLY: Final = "The score is a rank, not the chance of disease."
UNRANKED: Final = "not stated"
ALONE: Final = "not ranked (single finding)"


def ranks(confidences: Sequence[float | None]) -> list[str]:
    """Word each confidence by its place among the others: `surest of 3`."""
    known = [c for c in confidences if c is not None]
    return [_rank(c, known) for c in confidences]


def _rank(confidence: float | None, known: Sequence[float]) -> str:
    if confidence is None:
        return UNRANKED
    if len(known) == 1:
        return ALONE
    place = 1 + sum(other > confidence for other in known)
    shared = ", with others" if known.count(confidence) > 1 else ""
    return f"{'surest' if place == 1 else f'number {place}'} of {len(known)}{shared}"


def is_score(component: Mapping[str, Any]) -> bool:
    """Tell whether the component is a model's score."""
    return codes.has_code(component.get("code"), codes.DCM, CERTAINTY_OF_FINDING)


def scored(observation: Mapping[str, Any]) -> str:
    """Word the score of an Observation by its threshold; empty where it has no score."""
    score = next((c for c in observation.get("component", []) if is_score(c)), None)
    if score is None:
        return ""
    value, threshold = _number(score.get("valueQuantity")), _threshold(score)
    if value is None or threshold is None:
        return "no threshold stated"
    return "above the model's threshold" if value >= threshold else "below the model's threshold"


def score_text(component: Mapping[str, Any]) -> str:
    """Word a score on its scale: `91 of 100; the model's threshold is 31.4. ...`."""
    value, threshold = _number(component.get("valueQuantity")), _threshold(component)
    number = f"{value:g} of 100" if value is not None else "not stated"
    limit = f"the model's threshold is {threshold:g}" if threshold else "no threshold is stated"
    return f"{number}; {limit}. {RANK_ONLY}"


def detail(component: Mapping[str, Any]) -> tuple[str, str]:
    """Name and value of a component; a number with its reference range."""
    if is_score(component):
        return SCORE, score_text(component)
    ranges = "; ".join(filter(None, map(_range, component.get("referenceRange", []))))
    value = present.value_text(component)
    return present.concept_text(component.get("code")), f"{value} ({ranges})" if ranges else value


def _range(stated: Mapping[str, Any]) -> str:
    ends = [
        f"{word} {present.quantity_text(stated[end])}"
        for end, word in (("low", "from"), ("high", "up to"))
        if end in stated
    ]
    return ": ".join(filter(None, [str(stated.get("text", "")), " ".join(ends)]))


def _threshold(component: Mapping[str, Any]) -> float | None:
    found = (_number(r.get("high")) for r in component.get("referenceRange", []))
    return next((number for number in found if number is not None), None)


def _number(quantity: Any) -> float | None:
    value = quantity.get("value") if isinstance(quantity, Mapping) else None
    return float(value) if isinstance(value, int | float) else None
