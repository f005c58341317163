"""Sessions: a signed cookie with the user, a CSRF token and its end.

Nothing of a patient is ever in it.
"""

import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Final

from flask import abort, request, session

from services.review.access.practitioner import Practitioner

SESSION_SEC: Final = 8 * 3600  # a shift: then everyone logs in again
USER, CSRF, UNTIL = "user", "csrf", "until"


@dataclass(frozen=True)
class User:
    """A person who logged in.

    Attributes:
        name: for people.
        practitioner: `Practitioner/id`; None: may look, may not sign.
        roles: of the login's `roles` claim.
    """

    name: str
    practitioner: str | None
    roles: tuple[str, ...] = ()

    @property
    def signer(self) -> Practitioner | None:
        """Who signs for this user."""
        return Practitioner(self.practitioner, self.name) if self.practitioner else None


def begin(user: User) -> None:
    """Start a session and drop whatever the cookie held before.

    Others may have planted a CSRF token.
    """
    session.clear()
    session[USER] = {
        "name": user.name,
        "practitioner": user.practitioner,
        "roles": list(user.roles),
    }
    session[UNTIL] = int(time.time()) + SESSION_SEC


def end() -> None:
    """Log out."""
    session.clear()


def current() -> User | None:
    """The user, or None when nobody is logged in or the session has ended."""
    known = session.get(USER)
    if not known or session.get(UNTIL, 0) < time.time():
        return None
    return User(known["name"], known["practitioner"], tuple(known["roles"]))


def csrf_token() -> str:
    """The session's token, made at first use; every form carries it."""
    if CSRF not in session:
        session[CSRF] = secrets.token_urlsafe(32)
    return str(session[CSRF])


def check_csrf() -> None:
    """Abort with 400 without this session's token or from another site."""
    sent = request.form.get(CSRF, "")
    kept = session.get(CSRF, "")
    if not kept or not hmac.compare_digest(sent.encode(), str(kept).encode()):
        abort(400, "This form has expired. Go back, reload the page and try again.")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        abort(400, "This form was sent from another site.")
