"""Our Subscriptions at the EHR, compared with our wishes.

Some servers do not show a Subscription's header, or show another text in its place. So a seal of
what we asked for is remembered with the elements that the server showed otherwise at once.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from services.intake.state import State
from shared.json import Json

PREFIX: Final = "registered "
SALT: Final = "salt"
UNSEEN: Final = "?"
ELEMENTS: Final = ("criteria", "type", "endpoint", "payload", "header", "content", "end")


@dataclass(frozen=True)
class Registration:
    """Our knowledge of a Subscription of ours.

    Attributes:
        seal: an HMAC of all that we asked for, the secret included; nobody can read it back.
        hidden: elements that the server showed otherwise right after that; None: not looked yet.
    """

    seal: str
    hidden: frozenset[str] | None


@dataclass(frozen=True)
class Registered:
    """Our registrations in intake's state."""

    state: State

    def must_replace(self, reference: str, standing: Json, wanted: Json) -> bool:
        """Tell whether the standing Subscription differs from the wanted one.

        What it is known by afterwards is noted; a replaced one must be noted by `note`.
        """
        differing = _differing(standing, wanted)
        known, seal = self._known(reference), self._seal(wanted)
        if known is None and not differing:
            self._remember(reference, Registration(seal, frozenset()))
            return False
        if known is None or known.seal != seal:
            return True
        if known.hidden is None:
            self._remember(reference, Registration(seal, differing))
            return False
        return bool(differing - known.hidden)

    def note(self, reference: str, wanted: Json) -> None:
        """Note our newest request."""
        self._remember(reference, Registration(self._seal(wanted), None))

    def others(self, standing: frozenset[str]) -> list[str]:
        """Return all Subscriptions ever registered by us, without these."""
        known = (name.removeprefix(PREFIX) for name in self.state.facts(PREFIX))
        return [reference for reference in known if reference not in standing]

    def forget(self, reference: str) -> None:
        """It is none of ours any more."""
        self.state.note(PREFIX + reference, None)

    def _known(self, reference: str) -> Registration | None:
        row = self.state.facts(PREFIX).get(PREFIX + reference)
        if row is None:
            return None
        seal, *hidden = row.split()
        return Registration(seal, None if UNSEEN in hidden else frozenset(hidden))

    def _remember(self, reference: str, registration: Registration) -> None:
        hidden = registration.hidden
        words = [UNSEEN] if hidden is None else sorted(hidden)
        self.state.note(PREFIX + reference, " ".join([registration.seal, *words]))

    def _seal(self, wanted: Json) -> str:
        text = orjson.dumps(_shape(wanted), option=orjson.OPT_SORT_KEYS)
        return hmac.new(self._salt().encode(), text, hashlib.sha256).hexdigest()

    def _salt(self) -> str:
        salt = self.state.facts(SALT).get(SALT)
        if salt is None:
            salt = secrets.token_hex(16)
            self.state.note(SALT, salt)
        return salt


def _differing(standing: Json, wanted: Json) -> frozenset[str]:
    shown, asked = _shape(standing), _shape(wanted)
    return frozenset(name for name in ELEMENTS if shown[name] != asked[name])


def _shape(subscription: Json) -> Mapping[str, object]:
    """Return our part of a Subscription, without elements open to the server."""
    channel = subscription.get("channel") or {}
    extensions = (channel.get("_payload") or {}).get("extension") or []
    return {
        "criteria": subscription.get("criteria"),
        "type": channel.get("type"),
        "endpoint": channel.get("endpoint"),
        "payload": channel.get("payload") or "",
        "header": sorted(_line(line) for line in channel.get("header") or []),
        "content": sorted(str(e.get("valueCode", "")) for e in extensions),
        "end": subscription.get("end") or "",
    }


def _line(header: object) -> str:
    name, _, value = str(header).partition(":")
    return f"{name.strip().lower()}: {value.strip()}"
