"""Consent: asked before the first fetch and again before the write. Provisions are evaluated here; what is not understood denies.

R4 Consent: `provision` states exceptions to the base policy, nested exceptions refine it; R4 forbids `type` at the root, a deny
there is honoured all the same. Among siblings that apply, a deny wins; among Consents, too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from shared.answers import relative
from shared.errors import ConsentDenied
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.fhir.client import Ehr

Json = dict[str, Any]
Verdict = Literal["permit", "deny"]
UNDERSTOOD = {"id", "type", "period", "actor", "action", "purpose", "class", "provision"}
USES = {"access", "use", "collect"}  # consentaction codes that cover what careloop does


@dataclass(frozen=True)
class Asked:
    """The question: may this service analyse this class of resource now?

    Attributes:
        is_us: whether a Device reference is one of careloop's.
    """

    resource_class: str
    now: datetime
    is_us: Callable[[str], bool]


class _Settings(Protocol):
    @property
    def consent_default(self) -> Verdict: ...


def permit(ehr: Ehr, settings: _Settings, event: ResourceEvent) -> None:
    """Return if every active Consent of the patient allows the analysis.

    Raises:
        ConsentDenied: one denies, or none speaks and the setting denies.
        Unavailable: the question could not be asked.
    """
    if not event.subject or not event.subject.startswith("Patient/"):
        return
    asked = Asked(event.type, datetime.now(UTC), lambda device: _is_careloop(ehr.read(device)))
    # The logical id, not a URL: an absolute one finds nothing on some servers (docs/ehr.md).
    consents = ehr.search("Consent", {"patient": event.subject.split("/")[1], "status": "active"}, subject=event.subject)
    verdicts = {f"Consent/{c['id']}": verdict for c in consents if c.get("status") == "active" and (verdict := decide(c, asked))}
    for consent, verdict in verdicts.items():
        if verdict == "deny":
            raise ConsentDenied(consent)
    if not verdicts and settings.consent_default == "deny":
        raise ConsentDenied(None)


def decide(consent: Json, asked: Asked) -> Verdict | None:
    """What this Consent says to the question; None: nothing."""
    base: Verdict | None = {"OPTIN": "permit", "OPTOUT": "deny"}.get(codes.first_code(consent.get("policyRule"), codes.V3_ACT_CODE) or "")  # type: ignore[assignment]
    provision = consent.get("provision")
    return base if provision is None else _evaluate(provision, base, asked)


def _evaluate(provision: object, inherited: Verdict | None, asked: Asked) -> Verdict | None:
    if not isinstance(provision, dict) or not isinstance(provision.get("provision", []), list):
        return "deny"
    kind = provision.get("type")
    if kind not in ("permit", "deny", None):
        return "deny"
    if not _applies(provision, deny=kind == "deny", asked=asked):
        return inherited
    own: Verdict | None = kind or inherited
    nested = [_evaluate(p, own, asked) for p in provision.get("provision", [])]
    said = [v for v in nested if v is not None and v != own]
    if "deny" in said:
        return "deny"
    return said[0] if said else own


def _applies(provision: Json, *, deny: bool, asked: Asked) -> bool:
    """Every condition holds. One that is not understood holds for a deny and fails for a permit."""
    if set(provision) - UNDERSTOOD:
        return deny
    conditions = (
        _in_period(provision.get("period"), asked.now),
        _any(provision.get("actor"), lambda a: _is_actor(a, deny=deny, asked=asked)),
        _any(provision.get("action"), lambda a: any(c.get("code") in USES for c in codes.codings(a))),
        _any(provision.get("purpose"), lambda p: p.get("code") == "TREAT" or p.get("system") != codes.V3_ACT_REASON),
        _any(provision.get("class"), lambda c: c.get("code") == asked.resource_class or (deny and c.get("system") != codes.RESOURCE_TYPES)),
    )
    return all(conditions)


def _any(items: object, holds: Callable[[Json], bool]) -> bool:
    return not items or (isinstance(items, list) and any(holds(i) for i in items))


def _is_actor(actor: Json, *, deny: bool, asked: Asked) -> bool:
    """A Device of careloop is us, another Device, a person or a patient is not; an Organization or a role may be: that denies."""
    reference = relative(actor.get("reference", {}).get("reference", ""))
    kind = reference.split("/")[0]
    if kind == "Device":
        return asked.is_us(reference)
    if kind in ("Practitioner", "PractitionerRole", "Patient", "RelatedPerson"):
        return False
    return deny


def _is_careloop(device: Json | None) -> bool:
    return any(i.get("system") == codes.MODEL for i in (device or {}).get("identifier", []))


def _in_period(period: Json | None, now: datetime) -> bool:
    """FHIR dates may be partial: comparing prefixes makes a start inclusive and an end inclusive to its precision."""
    if not period:
        return True
    today = now.astimezone(UTC).isoformat()
    start, end = str(period.get("start", "")), str(period.get("end", "9999"))
    return start[:10] <= today[: len(start[:10])] and today[: len(end[:10])] <= end[:10]
