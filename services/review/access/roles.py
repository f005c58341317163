"""What each role may read and sign, by report category (pure)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.errors import Misconfigured
from shared.fhir import codes
from shared.settings import Settings

Categories = Mapping[str, frozenset[str]]
EVERY: Final = "*"
PLAN: Final = "CarePlan"  # a plan has no report category: its resource type stands for one


@dataclass(frozen=True)
class Roles:
    """The hospital's roles.

    None: every member of the staff reads and signs everything.

    Attributes:
        signs: role -> categories that it may read and sign.
        reads: role -> categories that it may read beside those.
    """

    signs: Categories = field(default_factory=dict)
    reads: Categories = field(default_factory=dict)

    @property
    def are_set(self) -> bool:
        """The hospital set roles."""
        return bool(self.signs)

    def admit(self, roles: Iterable[str]) -> bool:
        """Tell whether one of the roles is named here."""
        return not self.are_set or any(role in self.signs or role in self.reads for role in roles)

    def may_sign(self, roles: Iterable[str], categories: frozenset[str]) -> bool:
        """Tell whether one of the roles signs results of one of the categories."""
        return not self.are_set or _covers(_of(self.signs, roles), categories)

    def may_read(self, roles: Iterable[str], categories: frozenset[str]) -> bool:
        """Tell whether one of the roles reads them, by what it signs or reads beside."""
        every = tuple(roles)
        allowed = _of(self.signs, every) | _of(self.reads, every)
        return not self.are_set or _covers(allowed, categories)


def roles_of(settings: Settings) -> Roles:
    """Read the two settings.

    Raises:
        Misconfigured: one is not a JSON object of lists of strings, or readers are named where
            nobody signs.
    """
    signs = _read("CARELOOP_REVIEW_ROLES", settings.review_roles)
    reads = _read("CARELOOP_REVIEW_READERS", settings.review_readers)
    if reads and not signs:
        raise Misconfigured(
            "CARELOOP_REVIEW_READERS is set, so CARELOOP_REVIEW_ROLES must be, too: without it "
            "every Practitioner reads and signs everything"
        )
    return Roles(signs, reads)


def categories_of(focus: Mapping[str, Any]) -> frozenset[str]:
    """Return the category codes of a report; a plan is its own category."""
    if focus["resourceType"] == PLAN:
        return frozenset({PLAN})
    return frozenset(str(c["code"]) for c in codes.codings(focus.get("category")) if "code" in c)


def _read(name: str, text: str) -> Categories:
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(
        isinstance(v, list) and all(isinstance(i, str) for i in v) for v in read.values()
    ):
        raise Misconfigured(f'{name} must be a JSON object like {{"radiologist": ["RAD"]}}')
    return {role: frozenset(categories) for role, categories in read.items()}


def _of(allowed: Categories, roles: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*(allowed.get(role, frozenset()) for role in roles))


def _covers(allowed: frozenset[str], categories: frozenset[str]) -> bool:
    return EVERY in allowed or bool(allowed & categories)
