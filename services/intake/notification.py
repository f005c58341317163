"""What a rest-hook call says: R4 Backport notifications (a history Bundle that begins with Parameters) and classic ones (pure)."""

from dataclasses import dataclass
from typing import Any

from shared.answers import relative
from shared.errors import InvalidInput

Json = dict[str, Any]
KINDS = ("handshake", "heartbeat", "event-notification", "query-status", "query-event")


@dataclass(frozen=True)
class Notification:
    """One Backport notification.

    Attributes:
        subscription: `Subscription/id`.
        kind: handshake, heartbeat, event-notification, query-status or query-event.
        foci: the references that it names; empty with payload `empty`.
        first, last: the lowest and highest event number in it, None without events.
    """

    subscription: str
    kind: str
    foci: tuple[str, ...]
    first: int | None
    last: int | None


def parse(body: object) -> Notification:
    """The notification in a JSON body.

    Raises:
        InvalidInput: names the element that is missing or wrong.
    """
    entries = body.get("entry") if isinstance(body, dict) and body.get("resourceType") == "Bundle" else None
    first = entries[0].get("resource") if isinstance(entries, list) and entries and isinstance(entries[0], dict) else None
    if not isinstance(first, dict) or first.get("resourceType") != "Parameters":
        raise InvalidInput("Not a Backport notification: a history Bundle whose first entry is Parameters.")
    parameters = [p for p in first.get("parameter", []) if isinstance(p, dict)]
    kind = _value(parameters, "type")
    if kind not in KINDS:
        raise InvalidInput("Parameters.parameter `type` is missing or unknown.")
    events = [[part for part in p.get("part", []) if isinstance(part, dict)] for p in parameters if p.get("name") == "notification-event"]
    numbers = [int(n) for e in events if (n := _value(e, "event-number")).isdigit()]
    foci = [relative(reference) for e in events if (reference := _value(e, "focus"))]
    return Notification(relative(_value(parameters, "subscription")), kind, tuple(foci), min(numbers, default=None), max(numbers, default=None))


def _value(parameters: list[Json], name: str) -> str:
    found = next((p for p in parameters if p.get("name") == name), {})
    value = next((v for k, v in found.items() if k.startswith("value")), "")
    return str(value.get("reference", "")) if isinstance(value, dict) else str(value)
