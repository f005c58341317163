"""Keeps Flask's sessions at the server: the cookie holds a random id alone.

The id is kept as a hash. The content is encrypted under a key that is made of the id, so the file
alone opens no session.
"""

import base64
import copy
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from flask import Flask, Request, Response
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SecureCookieSession, SessionInterface, SessionMixin
from werkzeug.exceptions import HTTPException

from services.review.access.sessions.merge import Rule, merged
from services.review.access.sessions.store import Owner, SessionStore
from shared.errors import Unavailable

TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
BY_A_PERSON: Final = ("", "navigate")
"""`Sec-Fetch-Mode` of a page that a person opens or a form that she sends. What a page asks for by
itself (refreshing, pictures) keeps no session alive.
"""
WITHOUT: Final = "static"
"""The endpoint of the files, of whichever blueprint: they have no session."""
BY_ITSELF: Final = frozenset({"review.changes", "review.alive"})
"""Endpoints that pages ask by themselves, also of browsers that don't send `Sec-Fetch-Mode`."""


class KeptSession(SecureCookieSession):
    """The content of one session.

    Attributes:
        found: the content when the request began.
        token: the cookie's id; empty: the browser has none yet.
        begun: set at a login: the session gets a new id, and this owner.
        is_kept: False: of a file, which neither reads nor changes the session.
        failure: why the sessions can't be read now; then this one is empty and not kept.
    """

    found: Mapping[str, Any] = MappingProxyType({})
    token: str = ""
    begun: Owner | None = None
    is_kept: bool = True
    failure: Unavailable | None = None


class KeptSessions(SessionInterface):
    """Leads from the cookie to the session.

    Args:
        key: of the installation; another one makes all cookies worthless.
        rules: how what several requests changed at once is merged, by key.
    """

    def __init__(
        self, store: SessionStore, key: bytes, rules: Mapping[str, Rule] = MappingProxyType({})
    ) -> None:
        self._store, self._key, self._rules = store, key, rules
        self._json = TaggedJSONSerializer()

    def open_session(self, app: Flask, request: Request) -> KeptSession:
        """Return the session of the cookie; an empty one where it has none, or has ended.

        A file has an empty one, which is not kept.
        """
        token = request.cookies.get(self.get_cookie_name(app), "")
        session, endpoint = KeptSession(), endpoint_of(app, request)
        if endpoint.rpartition(".")[2] == WITHOUT:
            session.is_kept = False
            return session
        try:
            content = self._content(token)
            if content is not None and endpoint not in BY_ITSELF and is_by_a_person(request):
                self.use(token)
        except Unavailable as error:
            session.failure = error
            return session
        if content is not None:
            session = KeptSession(content)
            # its values may be changed in place
            session.found = copy.deepcopy(content)
            session.token = token
        return session

    def end_others(self, owner: Owner) -> None:
        """End the person's sessions that were granted something else."""
        self._store.end_others(owner)

    def use(self, token: str) -> None:
        """Note that a person is at work in this session."""
        self._store.use(self._id(token))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Keep what changed; an emptied session is ended."""
        if not isinstance(session, KeptSession) or session.failure or not session.is_kept:
            return
        if session.token and (session.begun or not session):
            self._store.end(self._id(session.token))
        if not session:
            if session.token:
                self._forget(app, response)
        elif session.begun or not session.token:
            self._begin(app, session, response)
        elif session.modified:
            self._store.change(self._id(session.token), partial(self._merged, session))

    def _begin(self, app: Flask, session: KeptSession, response: Response) -> None:
        owner = session.begun or Owner()
        token = secrets.token_urlsafe(32)
        self._store.add(self._id(token), self._sealed(token, session), owner)
        response.vary.add("Cookie")
        response.set_cookie(
            self.get_cookie_name(app),
            token,
            path=self.get_cookie_path(app),
            secure=self.get_cookie_secure(app),
            httponly=self.get_cookie_httponly(app),
            samesite=self.get_cookie_samesite(app),
        )

    def _forget(self, app: Flask, response: Response) -> None:
        # Browsers take a `__Host-` cookie back only with what it was set with.
        response.delete_cookie(
            self.get_cookie_name(app),
            path=self.get_cookie_path(app),
            secure=self.get_cookie_secure(app),
            httponly=self.get_cookie_httponly(app),
            samesite=self.get_cookie_samesite(app),
        )

    def _content(self, token: str) -> dict[str, Any] | None:
        sealed = self._store.read(self._id(token)) if TOKEN.fullmatch(token) else None
        return None if sealed is None else self._unsealed(token, sealed)

    def _merged(self, session: KeptSession, sealed: bytes) -> bytes:
        kept = self._unsealed(session.token, sealed) or {}
        content = merged(kept, session.found, session, self._rules)
        return self._sealed(session.token, content)

    def _unsealed(self, token: str, sealed: bytes) -> dict[str, Any] | None:
        try:
            return dict(self._json.loads(self._cipher(token).decrypt(sealed).decode()))
        except InvalidToken:
            return None

    def _sealed(self, token: str, content: Mapping[str, Any]) -> bytes:
        return self._cipher(token).encrypt(self._json.dumps(dict(content)).encode())

    def _id(self, token: str) -> str:
        return self._digest(b"id", token).hex()

    def _cipher(self, token: str) -> Fernet:
        return Fernet(base64.urlsafe_b64encode(self._digest(b"content", token)))

    def _digest(self, purpose: bytes, token: str) -> bytes:
        return hmac.digest(self._key + purpose, token.encode(), hashlib.sha256)


def endpoint_of(app: Flask, request: Request) -> str:
    """Return where the request leads; empty: nowhere. Flask tells it only later."""
    adapter = app.create_url_adapter(request)
    try:
        return str(adapter.match()[0]) if adapter else ""
    except HTTPException:  # unknown, not allowed, or to be redirected
        return ""


def is_by_a_person(request: Request) -> bool:
    """Tell whether a person asks, not her page by itself."""
    return request.headers.get("Sec-Fetch-Mode", "") in BY_A_PERSON
