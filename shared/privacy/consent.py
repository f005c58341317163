"""Consent: asked before the input is read and again before the write.

Provisions are evaluated here; what is not understood denies, and so does a Consent that is not
well formed. R4 Consent: `provision` states exceptions to the base policy, nested exceptions refine
it. R4 forbids `type` at the root, but a deny there counts all the same. Among siblings that apply,
a deny wins; among Consents, too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Literal, Protocol

from shared.ehr.ahead import Question, searching
from shared.ehr.client import Ehr
from shared.errors import ConsentDenied
from shared.fhir import codes
from shared.json import Json
from shared.privacy.period import bounds
from shared.privacy.well_formed import STATUSES, is_well_formed
from shared.references import is_a, is_elsewhere, local_reference, relative, type_of

Verdict = Literal["permit", "deny"]
Truth = bool | None
"""None: can't be told, which fulfils a deny and fails a permit."""
UNDERSTOOD = {"id", "type", "period", "actor", "action", "purpose", "class", "provision"}
CARRIERS = frozenset({"Patient", "Binary", "Endpoint", "Device", "Practitioner"})
"""They carry or name what is asked for; there is no consent to them alone."""
USES = {"access", "use", "collect"}
"""The consentaction codes for what careloop does."""
OTHER_USES = {"disclose", "correct"}
OURS = {"TREAT", "PurposeOfUse"}
"""v3-ActReason: careloop reads in order to treat; PurposeOfUse is the concept above it."""
OTHER_PURPOSES = {
    "HMARKT",
    "HPAYMT",
    "HRESCH",
    "CLINTRCH",
    "HOPERAT",
    "HSYSADMIN",
    "HLEGAL",
    "PUBHLTH",
    "HDIRECT",
    "FAMRQT",
    "PATRQT",
    "SUPNWK",
}
POLICY: Mapping[str, Verdict] = {"OPTIN": "permit", "OPTOUT": "deny"}
"""v3-ActCode of Consent.policyRule."""
PEOPLE = ("Practitioner", "PractitionerRole", "Patient", "RelatedPerson")


@dataclass(frozen=True)
class Asked:
    """The question: may careloop analyse this class of resource now?

    Attributes:
        is_us: whether a Device reference is one of careloop's; None: its Device can't be read.
    """

    resource_class: str
    now: datetime
    is_us: Callable[[str], Truth]


class _Settings(Protocol):
    @property
    def consent_default(self) -> Verdict: ...


def permit(
    ehr: Ehr,
    settings: _Settings,
    subject: str | None,
    classes: Iterable[str],
    also: Sequence[str] = (),
) -> None:
    """Return if the patient's active Consents permit to analyse these resources.

    Args:
        subject: `Patient/id`; there is no Consent about anybody else.
        also: further records of the same person, `Patient/id` each: a Consent under any of them
            counts.
        classes: what the service reads: always all of it, so that the verdict does not depend on
            which event came last.

    Raises:
        ConsentDenied: one denies, or the setting denies what no Consent permits: each class needs
            its own permit.
        Unavailable: the question could not be asked.
    """
    if not subject or not is_a(subject, "Patient"):
        return

    # A service that reads carriers alone needs consent to them.
    asked_for = sorted(set(classes) - CARRIERS) or sorted(classes)
    moment = datetime.now(UTC)
    questions = [Asked(c, moment, lambda device: _is_careloop(ehr.read(device))) for c in asked_for]

    active = [c for record in (subject, *also) for c in _active(ehr, record)]

    permitted = set()
    for consent, asked in product(active, questions):
        verdict = decide(consent, asked)
        if verdict == "deny":
            raise ConsentDenied(local_reference(consent), subject, also)
        if verdict == "permit":
            permitted.add(asked.resource_class)
    if settings.consent_default == "deny" and permitted != set(asked_for):
        raise ConsentDenied(None, subject, also)


def _active(ehr: Ehr, patient: str) -> list[Json]:
    """List the patient's Consents that are active, or whose status is none of R4's."""
    found = ehr.search("Consent", _query(patient), subject=patient)
    over = [status for status in STATUSES if status != "active"]
    return [consent for consent in found if consent.get("status") not in over]


def question(subject: str) -> Question:
    """Return the first question of `permit` about this patient."""
    return searching("Consent", _query(subject))


def _query(subject: str) -> dict[str, str]:
    # The logical id, not a URL: an absolute one finds nothing on some servers (docs/ehr.md).
    return {"patient": subject.split("/")[1], "status": "active"}


def decide(consent: Json, asked: Asked) -> Verdict | None:
    """Return the answer of this Consent to the question; None: none."""
    if not is_well_formed(consent):
        return "deny"
    base = POLICY.get(codes.first_code(consent.get("policyRule"), codes.V3_ACT_CODE) or "")
    return _evaluate(consent["provision"], base, asked) if "provision" in consent else base


def _evaluate(provision: Json, inherited: Verdict | None, asked: Asked) -> Verdict | None:
    kind: Verdict | None = provision.get("type")
    applies = _applies(provision, asked)
    if applies is False or (applies is None and kind == "permit"):
        return inherited
    if applies is None and kind is None:
        return "deny"

    own = kind or inherited
    nested = [_evaluate(p, own, asked) for p in provision.get("provision", [])]
    exceptions = [verdict for verdict in nested if verdict is not None and verdict != own]
    if "deny" in exceptions:
        return "deny"
    return exceptions[0] if exceptions else own


def _applies(provision: Json, asked: Asked) -> Truth:
    """Tell whether every condition holds.

    False as soon as one surely does not; None where one can't be told.
    """
    conditions = (
        _in_period(provision.get("period"), asked.now),
        _any(provision.get("actor"), lambda a: _is_actor(a, asked)),
        _any(provision.get("action"), _is_use),
        _any(provision.get("purpose"), _is_purpose),
        _any(provision.get("class"), lambda c: _is_class(c, asked)),
        None if set(provision) - UNDERSTOOD else True,
    )
    if False in conditions:
        return False
    return None if None in conditions else True


def _any(items: Sequence[Json] | None, holds: Callable[[Json], Truth]) -> Truth:
    """Tell whether one of the items holds; without items there is no condition."""
    if items is None:
        return True
    found = [holds(item) for item in items]
    return True if True in found else None if None in found else False


def _is_actor(actor: Json, asked: Asked) -> Truth:
    """Tell whether the actor is careloop.

    A Device of careloop is; another Device or a person is not. Of an Organization, a role or a
    Device of another system it can't be told.
    """
    reference = relative(actor.get("reference", {}).get("reference", ""))
    kind = type_of(reference)
    if kind == "Device":
        return None if is_elsewhere(reference) else asked.is_us(reference)
    return False if kind in PEOPLE else None


def _is_use(action: Json) -> Truth:
    found = {c.get("code") for c in codes.codings(action)}
    if found & USES:
        return True
    return False if found and found <= OTHER_USES else None


def _is_purpose(purpose: Json) -> Truth:
    if purpose.get("system") != codes.V3_ACT_REASON:
        return None
    if purpose.get("code") in OURS:
        return True
    return False if purpose.get("code") in OTHER_PURPOSES else None


def _is_class(found: Json, asked: Asked) -> Truth:
    if found.get("system") != codes.RESOURCE_TYPES:
        return None
    return bool(found.get("code") == asked.resource_class)


def _is_careloop(device: Json | None) -> Truth:
    """Tell whether an identifier says so; None where one that may say so is no object."""
    identifiers = (device or {}).get("identifier", [])
    if not isinstance(identifiers, list):
        return None
    found = [i.get("system") == codes.MODEL if isinstance(i, dict) else None for i in identifiers]
    return True if True in found else None if None in found else False


def _in_period(period: Json | None, now: datetime) -> Truth:
    if period is None:
        return True
    if set(period) - {"id", "start", "end"}:
        return None
    start = bounds(period["start"])[0] if "start" in period else now
    end = bounds(period["end"])[1] if "end" in period else now
    return start <= now <= end
