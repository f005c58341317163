"""Who may enter: an active Practitioner, with a role where the hospital set any."""

import re
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from services.review import present
from services.review.access.roles import Roles
from services.review.access.session import User
from shared.ehr.client import Ehr
from shared.errors import CareloopError
from shared.json import Json

REFERENCE: Final = re.compile(r"([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?")
ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
NAMED: Final = 'Ask your administrator to set the claim "fhirUser" of your account to your '
NAMED_TO: Final = f"{NAMED}Practitioner in the record, then log in again."
NO_CLAIM: Final = f"Your account does not say who of the staff you are. {NAMED_TO}"
ELSEWHERE: Final = f"Your account names somebody of another system than this record. {NAMED_TO}"
NOT_STAFF: Final = (
    "Your account is linked to a {kind} of the record. These pages are for the staff. If you are "
    "one of them: " + NAMED_TO[0].lower() + NAMED_TO[1:]
)
UNKNOWN: Final = f"The record does not hold the Practitioner that your account names. {NAMED_TO}"
INACTIVE: Final = (
    "The Practitioner of your account is not active in the record. Ask your administrator to make "
    "it active again, then log in again."
)
NO_ROLE: Final = (
    "Your account has no role that opens these pages. Ask your administrator for one (claim "
    '"roles"; setting CARELOOP_REVIEW_ROLES), then log in again.'
)
NO_PATIENT: Final = (
    "Your login is limited to one patient, and does not name a patient of this record. Start "
    'again from the patient\'s record, or ask your administrator (claim "patient").'
)
LEFT: Final = (
    "Your Practitioner is not active in the record any more, so your session has ended. Ask your "
    "administrator to make it active again, then log in again."
)
RECHECK_SEC: Final = 60.0
REMEMBERED: Final = 1_000


class NoEntry(CareloopError):
    """This login opens no session. The message is for the person."""


@dataclass(frozen=True)
class Login:
    """What a login says of the person.

    Attributes:
        login: what the issuer calls her (`sub`), or the name of the local login.
        fhir_user: a reference, relative where it is this EHR's; empty: not told.
        roles: empty: none.
        patient: to whom the login is limited, an id or a reference; None: to nobody.
    """

    name: str
    login: str
    fhir_user: str
    roles: tuple[str, ...] = ()
    patient: str | None = None


def user_of(ehr: Ehr, login: Login, roles: Roles) -> User:
    """Return the member of the staff behind a login.

    Raises:
        NoEntry: she is none, or no active one, or has no role here.
        Unavailable: the EHR does not answer.
    """
    practitioner = _practitioner(login.fhir_user)
    known = ehr.read(practitioner)
    if known is None:
        raise NoEntry(UNKNOWN)
    if not is_active(known):
        raise NoEntry(INACTIVE)
    if not roles.admit(login.roles):
        raise NoEntry(NO_ROLE)
    full_name = present.human_name(known)
    return User(
        login.name if full_name == present.NO_NAME else full_name,
        practitioner,
        login.roles,
        login.login,
        _patient(login.patient),
    )


def is_active(practitioner: Json | None) -> bool:
    """Tell whether she is there and in use; `active` unsaid means in use (R4)."""
    return practitioner is not None and practitioner.get("active") is not False


@dataclass
class StaffCheck:
    """Looks once a minute whether somebody who is logged in is still active.

    Safe between threads.
    """

    until: OrderedDict[str, float] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock, repr=False)

    def holds(self, ehr: Ehr, practitioner: str) -> bool:
        """Tell it, as of a minute ago at most.

        Raises:
            Unavailable: the EHR does not answer.
        """
        with self.lock:
            if self.until.get(practitioner, 0.0) > time.monotonic():
                return True
        if not is_active(ehr.read(practitioner)):
            return False
        self.seen(practitioner)
        return True

    def seen(self, practitioner: str) -> None:
        """Note that she is active now; the oldest are forgotten."""
        with self.lock:
            self.until[practitioner] = time.monotonic() + RECHECK_SEC
            self.until.move_to_end(practitioner)
            while len(self.until) > REMEMBERED:
                self.until.popitem(last=False)


def _practitioner(fhir_user: str) -> str:
    if not fhir_user:
        raise NoEntry(NO_CLAIM)
    found = REFERENCE.fullmatch(fhir_user)
    if not found:
        raise NoEntry(ELSEWHERE)
    if found[1] != "Practitioner":
        raise NoEntry(NOT_STAFF.format(kind=found[1]))
    return f"{found[1]}/{found[2]}"


def _patient(named: str | None) -> str | None:
    if named is None:
        return None
    reference = f"Patient/{named}" if ID.fullmatch(named) else named
    found = REFERENCE.fullmatch(reference)
    if not found or found[1] != "Patient":
        raise NoEntry(NO_PATIENT)
    return f"{found[1]}/{found[2]}"
