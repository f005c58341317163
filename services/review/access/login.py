"""Logging in: the local login of the demo. (OpenID Connect: `oidc.py`.)"""

import hmac
import time
from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from services.review.access.staff import Login
from shared.errors import Misconfigured
from shared.references import is_a
from shared.settings import Settings

FAILURES: Final = 5
WINDOW_SEC: Final = 60.0
REMEMBERED: Final = 1_000


@dataclass
class Throttle:
    """Counts failed logins per address.

    After `FAILURES` within `WINDOW_SEC` it takes no more for a while. Safe between threads.
    """

    failures: dict[str, deque[float]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def blocked(self, address: str) -> bool:
        """This address has to wait."""
        with self.lock:
            recent = self.failures.get(address, deque())
            while recent and recent[0] < time.monotonic() - WINDOW_SEC:
                recent.popleft()
            return len(recent) >= FAILURES

    def failed(self, address: str) -> None:
        """Count one; the oldest addresses are forgotten."""
        with self.lock:
            recent = self.failures.pop(address, deque(maxlen=FAILURES))
            recent.append(time.monotonic())
            self.failures[address] = recent
            while len(self.failures) > REMEMBERED:
                del self.failures[next(iter(self.failures))]


@dataclass(frozen=True)
class LocalLogin:
    """The one local account.

    Attributes:
        name: what is typed; practitioner: `Practitioner/id`.
        roles: as a hospital's login would claim them.
    """

    name: str
    practitioner: str
    password: str = field(repr=False)
    roles: tuple[str, ...] = ()

    def accepts(self, name: str, password: str) -> bool:
        """Compared in constant time, both always."""
        right_name = hmac.compare_digest(name.encode(), self.name.encode())
        right_password = hmac.compare_digest(password.encode(), self.password.encode())
        return right_name and right_password

    @property
    def login(self) -> Login:
        """What it says of the person."""
        return Login(self.name, self.name, self.practitioner, self.roles)


def local_login(settings: Settings) -> LocalLogin | None:
    """The local account of the settings, or None.

    Raises:
        Misconfigured: only one of user and password is set, or the user is not
            `name:Practitioner/id` or `name:Practitioner/id:role,role`.
    """
    user, password = settings.review_local_user, settings.review_local_password
    if not user and not password:
        return None
    name, _, rest = (user or "").partition(":")
    practitioner, _, roles = rest.partition(":")
    if not (
        name and is_a(practitioner, "Practitioner") and password and password.get_secret_value()
    ):
        raise Misconfigured(
            "CARELOOP_REVIEW_LOCAL_USER must be `name:Practitioner/id` or "
            "`name:Practitioner/id:role,role`, with CARELOOP_REVIEW_LOCAL_PASSWORD set"
        )
    listed = tuple(role.strip() for role in roles.split(",") if role.strip())
    return LocalLogin(name, practitioner, password.get_secret_value(), listed)
