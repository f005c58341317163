"""Which Backport topic fits a type.

One that the EHR lists and that fires on every create and update of it (pure).

On R4 a topic is a `Basic` resource with the cross-version extensions of R5's SubscriptionTopic. A
topic with further criteria would hide changes from us, so it does not fit, and the classic
Subscription is used instead.
"""

from collections.abc import Iterable, Mapping

from shared.fhir import codes
from shared.json import Json

R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic"
TOPIC_CODE = "SubscriptionTopic"


def fitting(
    listed: Iterable[str], basics: Iterable[Json], kinds: Iterable[str]
) -> Mapping[str, str]:
    """Type -> canonical URL of a topic that fits, for those types that have one."""
    known, wanted = set(listed), set(kinds)
    found: dict[str, str] = {}
    for basic in basics:
        url = next((_value(e) for e in _extensions(basic, f"{R5}.url")), None)
        if url not in known or not any(
            c.get("code") == TOPIC_CODE for c in codes.codings(basic.get("code"))
        ):
            continue
        for trigger in _extensions(basic, f"{R5}.resourceTrigger"):
            kind = _part(trigger, "resource").rsplit("/", 1)[-1]
            if kind in wanted and _fires_always(trigger):
                found.setdefault(kind, url)
    return found


def _fires_always(trigger: Json) -> bool:
    interactions = {
        _value(e) for e in trigger.get("extension", []) if e.get("url") == "supportedInteraction"
    }
    criteria = _part(trigger, "fhirPathCriteria") in ("", "true") and not _extensions(
        trigger, "queryCriteria"
    )
    return criteria and (not interactions or {"create", "update"} <= interactions)


def _extensions(node: Json, url: str) -> list[Json]:
    return [e for e in node.get("extension", []) if e.get("url") == url]


def _part(node: Json, url: str) -> str:
    return next((_value(e) for e in _extensions(node, url)), "")


def _value(extension: Json) -> str:
    return next((str(v) for k, v in extension.items() if k.startswith("value")), "")
