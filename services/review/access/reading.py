"""Who may read what (pure).

The role's categories, the login's patient and an emergency access decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.review.access.roles import Roles
from services.review.access.session import User
from shared.errors import CareloopError

OTHER_PATIENT: Final = (
    "Your login is limited to one patient, and this result is about another one. Open that "
    "patient's record at the EHR and start from there."
)


class MayNotRead(CareloopError):
    """This user may not read the result. The message is for the person.

    Args:
        patient: `Patient/id` of the result; None: it names none.
    """

    def __init__(self, message: str, patient: str | None) -> None:
        super().__init__(message)
        self.patient = patient


@dataclass(frozen=True)
class Reading:
    """One user before one result.

    Attributes:
        categories: of the result; empty: they can't be told, and only `*` reads it.
        records: the patient's, `Patient/id` each; empty: it names no patient.
    """

    user: User
    roles: Roles
    categories: frozenset[str]
    records: Sequence[str]

    @property
    def in_emergency(self) -> bool:
        """Tell whether an emergency access to this patient holds, and is needed."""
        emergency = self.user.emergency
        here = emergency is not None and emergency.patient in self.records
        return here and self._without_emergency() is not None

    def refusal(self) -> str | None:
        """Say why the user may not read it, and what to do; None: may."""
        return None if self.in_emergency else self._without_emergency()

    def checked(self) -> "Reading":
        """Return it; raises MayNotRead where the user may not."""
        if refusal := self.refusal():
            raise MayNotRead(refusal, next(iter(self.records), None))
        return self

    def _without_emergency(self) -> str | None:
        if self.user.patient is not None and self.user.patient not in self.records:
            return OTHER_PATIENT
        if self.roles.may_read(self.user.roles, self.categories):
            return None
        return (
            "Your role does not read results of this category "
            f"({', '.join(sorted(self.categories)) or 'not known'}). Ask a colleague whose role "
            "does, or your administrator (settings CARELOOP_REVIEW_ROLES and "
            "CARELOOP_REVIEW_READERS)."
        )
