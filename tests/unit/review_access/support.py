"""What the tests of access share."""

from typing import Any, Final

from services.review.access.roles import Roles, roles_of
from services.review.access.session import Emergency, User
from shared.json import Json
from shared.settings import load_settings

V2: Final = "http://terminology.hl7.org/CodeSystem/v2-0074"
PLAN: Final[Json] = {"resourceType": "CarePlan"}


def report(category: str = "RAD") -> Json:
    coding = {"system": V2, "code": category}
    return {"resourceType": "DiagnosticReport", "category": [{"coding": [coding]}]}


def user(*roles: str, **more: Any) -> User:
    return User("Dr. Ada Berg", "Practitioner/1", roles, "ada", **more)


def allowed(signs: str = "{}", reads: str = "{}") -> Roles:
    return roles_of(load_settings(review_roles=signs, review_readers=reads))


def in_emergency(patient: str) -> Emergency:
    return Emergency(patient, 9e9)
