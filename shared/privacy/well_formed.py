"""The shape of what decides in a Consent, as R4 has it (pure).

An element that is null, empty or of another kind may have said anything, and a modifierExtension
may turn what it stands in round. So neither is passed over: the Consent denies, whatever else it
says.
"""

from collections.abc import Callable, Mapping
from typing import Final

from shared.json import Json
from shared.privacy.period import bounds

Shape = Callable[[object], bool]
STATUSES: Final = ("active", "draft", "proposed", "rejected", "inactive", "entered-in-error")
"""R4's consent-state-codes."""


def is_well_formed(consent: Json) -> bool:
    """Tell whether status, policy and provisions have R4's shapes."""
    return consent.get("status") in STATUSES and _has(
        consent,
        {"policyRule": _is_concept, "provision": _is_provision, "modifierExtension": _is_known},
    )


def _has(element: object, members: Mapping[str, Shape]) -> bool:
    """Tell whether it is an object whose members, those that stand, have their shapes."""
    return (
        isinstance(element, dict)
        and bool(element)
        and all(is_shaped(element[name]) for name, is_shaped in members.items() if name in element)
    )


def _each(is_shaped: Shape) -> Shape:
    """Return the shape of a list of these; R4 has no empty lists."""
    return lambda listed: isinstance(listed, list) and bool(listed) and all(map(is_shaped, listed))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_known(_modifiers: object) -> bool:
    """Tell whether careloop knows what they change: none of them."""
    return False


def _is_coding(element: object) -> bool:
    return _has(element, {"system": _is_text, "code": _is_text})


def _is_concept(element: object) -> bool:
    return _has(element, {"coding": _each(_is_coding), "text": _is_text})


def _is_reference(element: object) -> bool:
    return _has(element, {"reference": _is_text})


def _is_actor(element: object) -> bool:
    return _has(element, {"reference": _is_reference, "modifierExtension": _is_known})


def _is_period(element: object) -> bool:
    """Tell whether its bounds are dates, in their order (R4 per-1)."""
    if not isinstance(element, dict) or not _has(element, {"start": _is_date, "end": _is_date}):
        return False
    if "start" not in element or "end" not in element:
        return True
    return bounds(element["start"])[0] <= bounds(element["end"])[1]


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(bounds(value))
    except ValueError:
        return False


def _is_provision(element: object) -> bool:
    return _has(
        element,
        {
            "type": lambda kind: kind in ("permit", "deny"),
            "period": _is_period,
            "actor": _each(_is_actor),
            "action": _each(_is_concept),
            "purpose": _each(_is_coding),
            "class": _each(_is_coding),
            "provision": _each(_is_provision),
            "modifierExtension": _is_known,
        },
    )
