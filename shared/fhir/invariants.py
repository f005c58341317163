"""R4's invariants on careloop's resources, and a few rules of our own (pure).

Each has its key in the standard. Here is only what neither a cardinality nor a value set can say;
HL7's validator checks the rest in the tests.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from xml.etree import ElementTree

from shared.fhir import codes
from shared.json import Json

Rule = tuple[str, Callable[[Json], bool]]

XHTML: Final = '<div xmlns="http://www.w3.org/1999/xhtml"'


def in_order(first: object, second: object) -> bool:
    """Tell whether two full instants are in order; partial dates can't be compared."""
    try:
        start, end = datetime.fromisoformat(str(first)), datetime.fromisoformat(str(second))
    except ValueError:
        return True
    return start.tzinfo is None or end.tzinfo is None or start <= end


def well_formed(narrative: Json) -> bool:
    """Tell whether a narrative is XHTML without a document type.

    Entities in a document type could grow without limit.
    """
    div = str(narrative.get("div", ""))
    if not div.startswith(XHTML) or "<!" in div:
        return False
    try:
        ElementTree.fromstring(div)  # noqa: S314 - our own text, and no document type
    except ElementTree.ParseError:
        return False
    return True


def ucum(quantity: Json) -> bool:
    """Tell whether a code may be UCUM: `mm3`, never `mm^3` (no caret, no blank)."""
    return quantity.get("system") != codes.UCUM or not set(str(quantity.get("code", ""))) & set(
        "^ "
    )


def full_uri(identifier: Json) -> bool:
    return (
        identifier.get("system") != codes.RESOURCE
        or re.match(r"[a-z][a-z0-9+.-]*:\S", str(identifier.get("value"))) is not None
    )


def has_any(*names: str) -> Callable[[Json], bool]:
    return lambda node: any(name in node for name in names)


def not_both(first: str, second: str) -> Callable[[Json], bool]:
    return lambda node: not (first in node and second in node)


def needs(name: str, other: str) -> Callable[[Json], bool]:
    return lambda node: name not in node or other in node


def exactly_one(first: str, second: str) -> Callable[[Json], bool]:
    return lambda node: (first in node) != (second in node)


def has_value(node: Mapping[str, Any]) -> bool:
    return any(name.startswith("value") for name in node)


def clinical_status_allowed(condition: Json) -> bool:
    return (
        not codes.has_code(
            condition.get("verificationStatus"), codes.CONDITION_VERIFICATION, "entered-in-error"
        )
        or "clinicalStatus" not in condition
    )


def abated(condition: Json) -> bool:
    over = codes.has_code(
        condition.get("clinicalStatus"),
        codes.CONDITION_CLINICAL,
        "resolved",
        "remission",
        "inactive",
    )
    return over or not any(name.startswith("abatement") for name in condition)


def code_has_no_second_value(observation: Json) -> bool:
    """Tell whether obs-7 holds.

    A component with the Observation's own code stands for its value.
    """
    own = {(c.get("system"), c.get("code")) for c in codes.codings(observation.get("code"))}
    again = any(
        (c.get("system"), c.get("code")) in own
        for part in observation.get("component", [])
        for c in codes.codings(part.get("code"))
    )
    return not again or not has_value(observation)


def methods_known(entry: Json) -> bool:
    """Tell whether a PUT names its own resource."""
    request, resource = entry.get("request", {}), entry.get("resource", {})
    put = (
        isinstance(request, dict)
        and request.get("method") == "PUT"
        and isinstance(resource, dict)
        and "?" not in str(request.get("url"))
    )
    return not put or request.get("url") == f"{resource.get('resourceType')}/{resource.get('id')}"


def requests_fit(bundle: Json) -> bool:
    """Tell whether bdl-3 holds.

    Transactions, batches and histories, and only they, say what to do with each entry.
    """
    named = {"request" in entry for entry in bundle.get("entry", []) if isinstance(entry, dict)}
    kind = bundle.get("type")
    return named <= {kind in ("transaction", "batch", "history")}


def full_urls_unique(bundle: Json) -> bool:
    urls = [
        entry["fullUrl"]
        for entry in bundle.get("entry", [])
        if isinstance(entry, dict) and "fullUrl" in entry
    ]
    return bundle.get("type") == "history" or len(urls) == len(set(urls))


RULES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "Attachment": (("data needs contentType (att-1)", needs("data", "contentType")),),
    "AuditEvent.entity": (("name or query, not both (sev-1)", not_both("name", "query")),),
    "Bundle": (
        ("request on every entry of a transaction, on none of a collection (bdl-3)", requests_fit),
        ("fullUrl must be unique (bdl-7)", full_urls_unique),
    ),
    "Bundle.entry": (
        ("resource, request or response (bdl-5)", has_any("resource", "request", "response")),
        ("a PUT's url must name the resource that it carries", methods_known),
    ),
    "CarePlan.activity": (
        ("reference or detail, exactly one (cpl-3)", exactly_one("reference", "detail")),
    ),
    "Condition": (
        ("no clinicalStatus when entered in error (con-5)", clinical_status_allowed),
        ("abatement only when inactive, resolved or in remission (con-4)", abated),
    ),
    "Condition.evidence": (("code or detail (con-2)", has_any("code", "detail")),),
    "Condition.stage": (("summary or assessment (con-1)", has_any("summary", "assessment")),),
    "Consent": (("policy or policyRule (ppc-1)", has_any("policy", "policyRule")),),
    "Extension": (
        (
            "value or extensions, exactly one (ext-1)",
            lambda node: has_value(node) != ("extension" in node),
        ),
    ),
    "Goal.target": (
        (
            "detail needs measure (gol-1)",
            lambda node: "measure" in node or not any(name.startswith("detail") for name in node),
        ),
    ),
    "Identifier": (("a value of urn:ietf:rfc:3986 is a URI with its scheme", full_uri),),
    "Narrative": (("div must be well-formed XHTML (txt-1)", well_formed),),
    "Observation": (
        (
            "dataAbsentReason only without a value (obs-6)",
            lambda node: not (has_value(node) and "dataAbsentReason" in node),
        ),
        ("no value beside a component of the same code (obs-7)", code_has_no_second_value),
    ),
    "Observation.referenceRange": (("low, high or text (obs-3)", has_any("low", "high", "text")),),
    "Parameters.parameter": (
        (
            "a value, a resource or parts, one of them (inv-1)",
            lambda node: sum((has_value(node), "resource" in node, "part" in node)) == 1,
        ),
    ),
    "Period": (
        (
            "start must not be after end (per-1)",
            lambda node: in_order(node.get("start"), node.get("end")),
        ),
    ),
    "Quantity": (
        ("a code needs its system (qty-3)", needs("code", "system")),
        ("not a UCUM code", ucum),
    ),
    "RequestGroup.action": (
        ("resource or action, not both (rqg-1)", not_both("resource", "action")),
    ),
    "Task": (
        (
            "lastModified must not be before authoredOn (inv-1)",
            lambda node: in_order(node.get("authoredOn"), node.get("lastModified")),
        ),
    ),
}


def broken(kind: str, node: Json) -> Iterator[str]:
    """Yield the broken rules of this type; the node's shape has been checked."""
    yield from (text for text, holds in RULES.get(kind, ()) if not holds(node))
