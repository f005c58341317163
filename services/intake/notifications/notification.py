"""What a rest-hook call says.

R4 Backport notifications (a history Bundle that begins with Parameters) and classic ones (pure).
"""

import re
from dataclasses import dataclass

from shared.errors import InvalidInput
from shared.json import Json
from shared.references import REFERENCE, own_place

NUMBER = re.compile(r"[0-9]{1,18}")
KINDS = ("handshake", "heartbeat", "event-notification", "query-status", "query-event")


@dataclass(frozen=True)
class Notification:
    """One Backport notification.

    Attributes:
        subscription: `Subscription/id`.
        kind: handshake, heartbeat, event-notification, query-status or query-event.
        foci: the references that it names; empty with payload `empty`.
        before: how many events there were since the Subscription began, where the server says so.
        events: how many events it holds, with a focus or without.
        first, last: the lowest and highest event number in it, None without events.
    """

    subscription: str
    kind: str
    foci: tuple[str, ...]
    first: int | None
    last: int | None
    before: int | None = None
    events: int = 0

    @property
    def names_all(self) -> bool:
        """Each event that it counts comes with its focus.

        None is without, no number between the first and the last is left out.
        """
        spanned = (
            self.last - self.first + 1 if self.first is not None and self.last is not None else 0
        )
        return bool(self.foci) and len(self.foci) >= max(self.events, spanned)


def parse(body: object) -> Notification:
    """The notification in a JSON body.

    Raises:
        InvalidInput: names the element that is missing or wrong.
    """
    entries = (
        body.get("entry")
        if isinstance(body, dict) and body.get("resourceType") == "Bundle"
        else None
    )
    first = (
        entries[0].get("resource")
        if isinstance(entries, list) and entries and isinstance(entries[0], dict)
        else None
    )
    if not isinstance(first, dict) or first.get("resourceType") != "Parameters":
        raise InvalidInput(
            "Not a Backport notification: a history Bundle whose first entry is Parameters."
        )
    parameters = _objects(first.get("parameter"))
    kind = _value(parameters, "type")
    if kind not in KINDS:
        raise InvalidInput("Parameters.parameter `type` is missing or unknown.")
    events = [_objects(p.get("part")) for p in parameters if p.get("name") == "notification-event"]
    numbers = [int(n) for e in events if NUMBER.fullmatch(n := _value(e, "event-number"))]
    foci = [_reference(text, "focus") for e in events if (text := _value(e, "focus"))]
    subscription = _reference(_value(parameters, "subscription"), "subscription")
    since_start = _value(parameters, "events-since-subscription-start")
    before = int(since_start) if NUMBER.fullmatch(since_start) else None
    return Notification(
        subscription,
        kind,
        tuple(foci),
        min(numbers, default=None),
        max(numbers, default=None),
        before,
        len(events),
    )


def _objects(listed: object) -> list[Json]:
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _reference(text: str, name: str) -> str:
    if not REFERENCE.fullmatch(reference := own_place(text)):
        raise InvalidInput(f"Parameters.parameter `{name}` is no reference to a resource.")
    return reference


def _value(parameters: list[Json], name: str) -> str:
    found = next((p for p in parameters if p.get("name") == name), {})
    value = next((v for k, v in found.items() if k.startswith("value")), "")
    return str(value.get("reference", "")) if isinstance(value, dict) else str(value)
