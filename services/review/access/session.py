"""The session of a request: its user, and the token that every form carries.

What it holds lies at the server (`sessions/`); it names a patient by id at most.
"""

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from flask import abort, current_app, request, session

from services.review.access.practitioner import Practitioner
from services.review.access.sessions.cookie import KeptSession, KeptSessions
from services.review.access.sessions.merge import AT
from services.review.access.sessions.store import Owner
from shared.instants import instant

USER, CSRF, EMERGENCY = "user", "csrf", "emergency"
FORM_EXPIRED: Final = "This form has expired, and nothing was saved."
EXPIRED: Final = f"{FORM_EXPIRED} Go back, reload the page and try again."


@dataclass(frozen=True)
class Emergency:
    """An emergency access: one patient, for a limited time.

    Attributes:
        patient: `Patient/id`.
        until: seconds since the epoch.
    """

    patient: str
    until: float

    @property
    def until_instant(self) -> str:
        """When it ends, for people."""
        return until_text(self.until)


def until_text(until: float) -> str:
    """Write seconds since the epoch as an instant."""
    return instant(datetime.fromtimestamp(until, UTC))


@dataclass(frozen=True)
class User:
    """A member of the staff who logged in.

    Attributes:
        name: for people.
        practitioner: `Practitioner/id`.
        roles: of the login's `roles` claim.
        login: what the issuer calls the person (`sub`), or the name of the local login.
        patient: `Patient/id` to whom the issuer limits this login; None: to nobody.
        emergency: the emergency access that holds now; None: there is none.
    """

    name: str
    practitioner: str
    roles: tuple[str, ...] = ()
    login: str = ""
    patient: str | None = None
    emergency: Emergency | None = None

    @property
    def signer(self) -> Practitioner:
        """Who signs for this user."""
        return Practitioner(self.practitioner, self.name)


def begin(user: User) -> None:
    """Start a session with a new id and drop whatever the old one held.

    Others may have planted a CSRF token. Older sessions of the same login end where the
    Practitioner or the roles were others.
    """
    session.clear()
    session[USER] = {
        "name": user.name,
        "practitioner": user.practitioner,
        "roles": list(user.roles),
        "login": user.login,
        "patient": user.patient,
    }
    grants = json.dumps([user.practitioner, *sorted(user.roles)])
    _kept().begun = Owner(_hash(user.login), _hash(grants))
    # made now, so that two first pages at once show the same
    csrf_token()


def end() -> None:
    """Log out: the session ends at the server."""
    session.clear()


def end_all(login: str) -> None:
    """End every session of this login, wherever it is open, and this one."""
    if login:
        _sessions().end_others(Owner(_hash(login)))
    session.clear()
    _kept().begun = Owner()


def current() -> User | None:
    """Return the user; None when nobody is logged in or the session has ended."""
    known: dict[str, Any] | None = session.get(USER)
    if not known:
        return None
    return User(
        known["name"],
        known["practitioner"],
        tuple(known["roles"]),
        known["login"],
        known["patient"],
        _emergency(),
    )


def check_kept() -> None:
    """Raise Unavailable where the sessions can't be read.

    Nobody is taken for logged out then.
    """
    if failure := _kept().failure:
        raise failure


def note_use() -> None:
    """Keep the session alive: a person is at work on its page."""
    _sessions().use(_kept().token)


def kept_token() -> str:
    """Return what stands for this session in memory; it is never written or shown."""
    return _kept().token


def begin_emergency(patient: str, at: float, until: float) -> None:
    """Note the emergency access; an earlier one ends.

    Args:
        at: when it was asked for, in seconds since the epoch, as `until` is.
    """
    session[EMERGENCY] = {"patient": patient, "until": until, AT: at}


def end_emergency() -> None:
    """End the emergency access, if there is one.

    The end is noted: one that was asked for before, and is slower, must not begin after it.
    """
    session[EMERGENCY] = {"patient": "", "until": 0.0, AT: time.time()}


def _emergency() -> Emergency | None:
    kept = session.get(EMERGENCY)
    if not kept or kept["until"] <= time.time():
        return None
    return Emergency(kept["patient"], kept["until"])


def csrf_token() -> str:
    """The session's token, made at the login or at first use; every form carries it."""
    if CSRF not in session:
        session[CSRF] = secrets.token_urlsafe(32)
    return str(session[CSRF])


def check_csrf() -> None:
    """Abort with 400 without this session's token or from another site."""
    if not has_csrf():
        abort(400, EXPIRED)
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        abort(400, "This form was sent from another site.")


def has_csrf() -> bool:
    """Tell whether the form carries this session's token."""
    sent = request.form.get(CSRF, "")
    kept = session.get(CSRF, "")
    return bool(kept) and hmac.compare_digest(sent.encode(), str(kept).encode())


def _sessions() -> KeptSessions:
    return cast(KeptSessions, current_app.session_interface)


def _kept() -> KeptSession:
    return cast(KeptSession, session._get_current_object())  # type: ignore[attr-defined]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
