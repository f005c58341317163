"""What every answer of the pages carries, and how the cookies are kept."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response

from services.review.access.first_look import LOOKS
from services.review.access.session import EMERGENCY
from services.review.access.sessions.cookie import KeptSessions
from services.review.access.sessions.merge import Rule, entries, items, latest
from services.review.access.sessions.store import FILE, SessionStore
from shared.settings import Settings

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
POLICY: Final = "; ".join(  # nothing from elsewhere, nothing inline
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # the address of a list may hold what was searched for: a patient's name
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
ASSET_CACHE: Final = "public, max-age=300"
NO_STORE: Final = "no-store"  # patient data stays out of every cache, the browser's own included

RULES: Final[Mapping[str, Rule]] = {EMERGENCY: latest, LOOKS: entries, "_flashes": items}
"""How a session is merged that several requests changed; Flask keeps its messages in `_flashes`."""


def protect(response: Response, *, asset: bool) -> Response:
    """Set the headers."""
    response.headers.update(HEADERS)
    response.headers["Cache-Control"] = ASSET_CACHE if asset else NO_STORE
    return response


def configure_cookies(app: Flask, settings: Settings) -> None:
    """Keep sessions at the server, and their ids in cookies: HttpOnly, SameSite=Lax.

    Lax, because an OpenID Connect issuer sends people back from its own site. Secure unless the
    pages are served to this machine alone.

    Raises:
        Misconfigured: the file of the sessions can't be written.
    """
    secure = is_secure(settings)
    key = settings.review_session_key
    store = SessionStore(
        settings.state_dir / FILE, settings.review_idle_sec, settings.review_session_sec
    )
    app.session_interface = KeptSessions(
        store, key.get_secret_value().encode() if key else b"", RULES
    )
    app.config.update(
        SESSION_COOKIE_NAME="__Host-careloop" if secure else "careloop",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )


def is_secure(settings: Settings) -> bool:
    """Cookies travel over TLS only.

    Always, but where the pages are served to this very machine.
    """
    host = urlsplit(settings.review_url).hostname if settings.review_url else settings.http_host
    return not (host in LOOPBACK and not (settings.review_url or "").startswith("https://"))
