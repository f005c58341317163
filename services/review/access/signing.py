"""Who may sign what (pure).

A Practitioner, with a role for the report's category where the hospital set roles.
"""

import json
from collections.abc import Mapping
from typing import Any

from services.review.access.session import User
from shared.errors import Misconfigured
from shared.fhir import codes

Roles = Mapping[str, frozenset[str]]
NOT_ACTIVE = (
    "Your Practitioner is not active in the record any more, so nothing was saved and you can't "
    "sign. "
    "Ask your administrator to make it active again, then log in again."
)
PLAN = "CarePlan"  # a plan has no report category: its resource type stands for one


def roles_of(text: str) -> Roles:
    """`CARELOOP_REVIEW_ROLES`, read.

    Raises:
        Misconfigured: not a JSON object of lists of strings.
    """
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(
        isinstance(v, list) and all(isinstance(i, str) for i in v) for v in read.values()
    ):
        raise Misconfigured(
            'CARELOOP_REVIEW_ROLES must be a JSON object like {"radiologist": ["RAD"]}'
        )
    return {role: frozenset(categories) for role, categories in read.items()}


def categories(focus: Mapping[str, Any]) -> frozenset[str]:
    """The category codes of a report; a plan is its own category."""
    return frozenset(
        {PLAN}
        if focus["resourceType"] == PLAN
        else {str(c["code"]) for c in codes.codings(focus.get("category")) if "code" in c}
    )


def refusal(user: User, focus: Mapping[str, Any], roles: Roles) -> str | None:
    """Why this user may not decide on it, and what to do; None: may."""
    if user.signer is None:
        return (
            "Your login is not linked to a Practitioner in the record, so you can read results but "
            "not sign them. "
            "Ask your administrator to set the `fhirUser` claim of your account to your "
            "Practitioner, then log in again."
        )
    if not roles:
        return None
    allowed = frozenset().union(*(roles.get(role, frozenset()) for role in user.roles))
    if allowed & categories(focus):
        return None
    return (
        "Your role does not sign results of this category "
        f"({', '.join(sorted(categories(focus))) or 'none'}). "
        "Ask a colleague whose role does, or your administrator (setting CARELOOP_REVIEW_ROLES)."
    )
