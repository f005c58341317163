"""Logging in and out, over HTTP."""

from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import requests
from flask import (
    Blueprint,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.wrappers import Response

from services.review.access import oidc
from services.review.access.session import (
    FORM_EXPIRED,
    User,
    begin,
    check_csrf,
    check_kept,
    csrf_token,
    current,
    end,
    end_all,
    has_csrf,
    note_use,
)
from services.review.access.staff import LEFT, Login, NoEntry, user_of
from services.review.state import review

OPEN: Final = frozenset(
    {
        "review.login",
        "review.login_oidc",
        "review.callback",
        "review.logout",
        "review.alive",
        "review.static",
    }
)
STREAM: Final = "review.changes"
NEXT: Final = "next"
ISSUER_DOWN: Final = (requests.RequestException, httpx.HTTPError)


def register(bp: Blueprint) -> None:
    """The routes."""
    bp.add_url_rule("/login", "login", login, methods=["GET", "POST"])
    bp.add_url_rule("/login/oidc", "login_oidc", login_oidc)
    bp.add_url_rule("/login/callback", "callback", callback)
    bp.add_url_rule("/logout", "logout", logout, methods=["POST"])
    bp.add_url_rule("/session", "alive", alive, methods=["GET", "POST"])


def require_login() -> Response | None:
    """Everything but the login needs a member of the staff.

    A form of somebody whose session ended is not lost silently.
    """
    if request.endpoint != "review.static":
        check_kept()
    if request.endpoint in OPEN:
        return None
    if user := current():
        # the stream says only that something changed, and a lost line is asked for again and again
        if request.endpoint != STREAM and not _is_at_work(user):
            end()
            abort(403, LEFT)
        return None
    if request.method == "POST":
        abort(401, "Your session has ended and nothing was saved. Log in and try again.")
    if request.endpoint == STREAM:  # a script asks: nobody is to come back here after a login
        return make_response({"ended": True}, 401)
    return redirect(url_for("review.login", next=request.full_path.rstrip("?")))


def login() -> Any:
    """The login page, and the local login."""
    shared = review()
    if request.method == "GET":
        return render_template(
            "login.html", local=shared.local, oidc=shared.oidc, next=_safe(request.args.get(NEXT))
        )
    if not has_csrf():
        return _refused(f"{FORM_EXPIRED} Log in now.", 400)
    check_csrf()
    address = request.remote_addr or ""
    if shared.throttle.blocked(address):
        return _refused("Too many attempts. Wait a minute and try again.", 429)
    if not (
        shared.local
        and shared.local.accepts(request.form.get("name", ""), request.form.get("password", ""))
    ):
        shared.throttle.failed(address)
        shared.metrics.logins.labels("refused").inc()
        return _refused("Name or password is not right.", 401)
    return _enter(shared.local.login, _safe(request.form.get(NEXT)))


def login_oidc() -> Any:
    """Send the person to the issuer."""
    shared = review()
    if not shared.oidc:
        abort(404, "No issuer is set for this installation.")
    session[NEXT] = _safe(request.args.get(NEXT))
    try:
        return shared.oidc.authorize_redirect(_callback_url())
    except ISSUER_DOWN:
        abort(503, "The login service does not answer. Try again in a moment.")


def callback() -> Any:
    """The person comes back from the issuer."""
    shared = review()
    if not shared.oidc:
        abort(404, "No issuer is set for this installation.")
    try:
        token = shared.oidc.authorize_access_token()
    except ISSUER_DOWN:
        abort(503, "The login service does not answer. Try again in a moment.")
    except (oidc.LoginFailed, oidc.TokenRefused):
        return _refused("The login service did not confirm who you are. Try again.", 401)
    return _enter(oidc.login_of(token, shared.ehr.local), _safe(session.get(NEXT)))


def logout() -> Response:
    """End the session, whoever has a copy of its cookie."""
    if current():
        check_csrf()
        end()
    return redirect(url_for("review.login"), 303)


def alive() -> Any:
    """Tell a page whether its session goes on.

    A POST says that somebody is at work there; asking alone keeps no session alive. While the EHR
    does not answer the session goes on: nothing can be read with it.
    """
    user = current()
    if user is None:
        return {"ended": True}, 401
    if request.method == "POST":
        check_csrf()
        note_use()
        if not _is_at_work(user):
            end()
            return {"ended": True}, 401
    return {"person": user.practitioner, "csrf": csrf_token()}


def _is_at_work(user: User) -> bool:
    """Tell it as of a minute ago at most, whatever the request says of itself."""
    return review().staff.holds(review().ehr, user.practitioner)


def _enter(login: Login, target: str) -> Any:
    """Begin a session for a member of the staff; anybody else is told whom to ask.

    Who may not enter any more has no other session either.
    """
    shared = review()
    try:
        user = user_of(shared.ehr, login, shared.roles)
    except NoEntry as error:
        shared.metrics.logins.labels("refused").inc()
        end_all(login.login)
        return _refused(str(error), 403)
    begin(user)
    shared.staff.seen(user.practitioner)
    shared.metrics.logins.labels("entered").inc()
    return redirect(target, 303)


def _refused(message: str, status: int) -> tuple[str, int]:
    shared = review()
    page = render_template(
        "login.html",
        local=shared.local,
        oidc=shared.oidc,
        next=_safe(request.form.get(NEXT)),
        error=message,
    )
    return page, status


def _callback_url() -> str:
    base = review().settings.review_url
    return (
        f"{base.rstrip('/')}{url_for('review.callback')}"
        if base
        else url_for("review.callback", _external=True)
    )


def _safe(target: str | None) -> str:
    """Return a path of ours; another host becomes the worklist."""
    home = url_for("review.worklist")
    if (
        not target
        or not target.startswith("/")
        or target.startswith(("//", "/\\"))
        or any(ord(c) < 0x20 for c in target)
    ):
        return home
    parts = urlsplit(target)
    return home if parts.netloc or parts.scheme else target
