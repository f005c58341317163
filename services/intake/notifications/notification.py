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
        subscription: `Subscription/id`; None where that is not readable.
        kind: handshake, heartbeat, event-notification, query-status or query-event.
        foci: the references that it names; empty with payload `empty`. One that is not readable
            is left out: its event counts as one without a focus.
        before: how many events there were since the Subscription began, where the server says so.
        events: how many events it holds, with a focus or without.
        first, last: the lowest and highest event number in it, None without events.
    """

    subscription: str | None
    kind: str
    foci: tuple[str, ...]
    first: int | None
    last: int | None
    before: int | None = None
    events: int = 0

    @property
    def names_all(self) -> bool:
        """Each event that it counts comes with its focus.

        None is without, no number between the first and the last is left out, and the Subscription
        is known: else nobody can tell of a gap before the first.
        """
        spanned = (
            self.last - self.first + 1 if self.first is not None and self.last is not None else 0
        )
        named = len(self.foci)
        return self.subscription is not None and named > 0 and named >= max(self.events, spanned)


def parse(body: object) -> Notification:
    """The notification in a JSON body.

    Raises:
        InvalidInput: it is no notification at all; names the element that is missing or wrong.
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
    foci = [focus for e in events if (focus := _reference(e, "focus"))]
    since_start = _value(parameters, "events-since-subscription-start")
    before = int(since_start) if NUMBER.fullmatch(since_start) else None
    return Notification(
        _reference(parameters, "subscription"),
        kind,
        tuple(foci),
        min(numbers, default=None),
        max(numbers, default=None),
        before,
        len(events),
    )


def _objects(listed: object) -> list[Json]:
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _reference(parameters: list[Json], name: str) -> str | None:
    """Return `Type/id` from the parameter of this name; None if it is not readable."""
    place = own_place(_value(parameters, name))
    return place if REFERENCE.fullmatch(place) else None


def _value(parameters: list[Json], name: str) -> str:
    found = next((p for p in parameters if p.get("name") == name), {})
    value = next((v for k, v in found.items() if k.startswith("value")), None)
    stated = value.get("reference") if isinstance(value, dict) else value
    return str(stated) if isinstance(stated, str | int) else ""
