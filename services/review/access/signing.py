"""Who may sign what (pure).

A role for the report's category, where the hospital set roles.
"""

from collections.abc import Mapping
from typing import Any, Final

from services.review.access.roles import Roles, categories_of
from services.review.access.session import User

NOT_ACTIVE: Final = (
    "Your Practitioner is not active in the record any more, so nothing was saved and you can't "
    "sign. "
    "Ask your administrator to make it active again, then log in again."
)
IN_EMERGENCY: Final = (
    "An emergency access reads alone. It signs, claims and acknowledges nothing: a colleague whose "
    "login reads such results must do that."
)


def refusal(user: User, focus: Mapping[str, Any], roles: Roles) -> str | None:
    """Say why this user may not decide on it, and what to do; None: may."""
    categories = categories_of(focus)
    if roles.may_sign(user.roles, categories):
        return None
    return (
        "Your role does not sign results of this category "
        f"({', '.join(sorted(categories)) or 'none'}). "
        "Ask a colleague whose role does, or your administrator (setting CARELOOP_REVIEW_ROLES)."
    )
