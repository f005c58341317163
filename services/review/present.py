"""FHIR elements in words, for the pages (pure).

What is missing reads as missing, never as an empty cell that looks like "none".
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from typing import Any, Final

from markupsafe import Markup

from services.review.person.names import NO_NAME as NO_NAME  # noqa: PLC0414  # an export
from services.review.person.names import names_of
from shared import instants
from shared.fhir import codes
from shared.references import relative
from shared.text.unseen import visible

URGENCY: Final[Mapping[str, str]] = {
    "stat": "Immediate (stat)",
    "asap": "Very urgent (asap)",
    "urgent": "Urgent",
    "routine": "Routine",
}
"""R4's request-priority in words."""
WEB_ADDRESS: Final = re.compile(r"(https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]])")
LINK: Final = Markup('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>')


def visible_value(value: Any) -> Any:
    """Return what a template prints so that everybody sees each character of it.

    The EHR's words may hold an override of the direction, or what nobody sees: it stands as
    `[U+202E]`. Every value that the pages print comes by here (`finalize` of Jinja).
    """
    if isinstance(value, Markup):
        return Markup(visible(value))  # noqa: S704  # escaped before; what is put in is no mark
    return visible(value) if isinstance(value, str) else value


def human_name(person: Mapping[str, Any] | None) -> str:
    """The name in use of a Patient or Practitioner; `NO_NAME` where there is none."""
    return names_of(person, instants.today(UTC)).shown


def kind_text(resource_type: str) -> str:
    """Name a resource type in words: `Risk assessment`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", resource_type).capitalize()


def concept_text(element: Any) -> str:
    """Return a CodeableConcept (or the first of a list) for people.

    Text, display or code.
    """
    first = next(iter(element), None) if isinstance(element, list) else element
    if not isinstance(first, Mapping):
        return ""
    found = list(codes.codings(first))
    displays = (c["display"] for c in found if c.get("display"))
    return str(
        first.get("text")
        or next(displays, None)
        or next((c["code"] for c in found if "code" in c), "")
    )


def value_text(holder: Mapping[str, Any]) -> str:
    """The `value[x]` of an Observation or of one of its components."""
    if "valueQuantity" in holder:
        return quantity_text(holder["valueQuantity"])
    if "valueCodeableConcept" in holder:
        return concept_text(holder["valueCodeableConcept"])
    if "valueRange" in holder:
        return " to ".join(
            quantity_text(holder["valueRange"][end])
            for end in ("low", "high")
            if end in holder["valueRange"]
        )
    if "valueBoolean" in holder:
        return "yes" if holder["valueBoolean"] else "no"
    return next(
        (
            str(holder[name])
            for name in ("valueString", "valueInteger", "valueDateTime")
            if name in holder
        ),
        "",
    )


def quantity_text(quantity: Mapping[str, Any]) -> str:
    """`< 130 mmHg`."""
    value = quantity.get("value")
    number = f"{value:g}" if isinstance(value, int | float) else str(value or "")
    return " ".join(
        filter(
            None, [quantity.get("comparator"), number, quantity.get("unit") or quantity.get("code")]
        )
    )


def confidence(resource: Mapping[str, Any]) -> float | None:
    """0..1 of the extension AIconfidence."""
    found = (
        e.get("valueDecimal")
        for e in resource.get("extension", [])
        if e.get("url") == codes.AI_CONFIDENCE
    )
    return next((float(value) for value in found if value is not None), None)


def citations(resource: Mapping[str, Any]) -> list[dict[str, str]]:
    """`display` and, where it is a web address, `url` of each guideline cited."""
    artifacts = (
        e.get("valueRelatedArtifact", {})
        for e in resource.get("extension", [])
        if e.get("url") == codes.RELATED_ARTIFACT
    )
    return [cite(a.get("display") or a.get("citation"), a.get("url")) for a in artifacts]


def cite(display: str | None, url: str | None) -> dict[str, str]:
    """One citation; an address that is not http(s) is shown as text, never as a link."""
    safe = url if url and url.startswith(("https://", "http://")) else None
    return {"display": display or url or "citation"} | ({"url": safe} if safe else {})


def urgency_text(priority: str) -> str:
    """Name how urgent a result is; an unknown code stays as it is."""
    return URGENCY.get(priority, priority)


def linked(text: str) -> Markup:
    """The text with its web addresses as links; everything else is escaped.

    What ends a sentence is no part of an address.
    """
    parts = WEB_ADDRESS.split(text)
    return Markup("").join(
        LINK.format(part, part) if at % 2 else part for at, part in enumerate(parts)
    )


def component(resource: Mapping[str, Any], system: str, code: str) -> Mapping[str, Any] | None:
    """The Observation's component of this code."""
    return next(
        (c for c in resource.get("component", []) if codes.has_code(c.get("code"), system, code)),
        None,
    )


def references(elements: Iterable[Any] | Mapping[str, Any] | None) -> Iterator[str]:
    """`Type/id` of each Reference in a list, or of the one."""
    for item in [elements] if isinstance(elements, Mapping) else elements or []:
        if isinstance(item, Mapping) and isinstance(item.get("reference"), str):
            yield relative(item["reference"])
