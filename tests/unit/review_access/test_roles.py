"""What a role reads and signs."""

import pytest

from services.review.access import signing
from services.review.access.reading import MayNotRead, Reading
from services.review.access.roles import Roles, categories_of
from services.review.access.session import User
from shared.errors import Misconfigured
from shared.json import Json
from tests.unit.review_access.support import PLAN, allowed, in_emergency, report, user

SIGNS = '{"radiologist": ["RAD"], "physician": ["CarePlan"], "clerk": []}'
READS = '{"physician": ["RAD", "GE"], "nurse": ["CarePlan"], "chief": ["*"]}'


def reading(who: User, focus: Json, roles: Roles, *records: str) -> Reading:
    return Reading(who, roles, categories_of(focus), records or ("Patient/1",))


def test_without_roles_everybody_of_the_staff_reads_and_signs_everything() -> None:
    assert signing.refusal(user(), report(), Roles()) is None
    assert reading(user(), report(), Roles()).refusal() is None
    assert Roles().admit(())


@pytest.mark.parametrize(
    ("role", "focus", "signs", "reads"),
    [
        ("radiologist", report("RAD"), True, True),
        ("radiologist", report("GE"), False, False),
        ("radiologist", PLAN, False, False),
        ("physician", PLAN, True, True),
        ("physician", report("GE"), False, True),
        ("nurse", PLAN, False, True),
        ("nurse", report("RAD"), False, False),
        ("chief", report("SP"), False, True),
        ("chief", {"resourceType": "DiagnosticReport"}, False, True),
        ("physician", {"resourceType": "DiagnosticReport"}, False, False),
        ("clerk", report("RAD"), False, False),
        ("unheard-of", report("RAD"), False, False),
    ],
)
def test_a_role_reads_what_it_signs_and_what_it_reads_beside(
    role: str, focus: Json, signs: bool, reads: bool
) -> None:
    roles = allowed(SIGNS, READS)
    assert (signing.refusal(user(role), focus, roles) is None) is signs
    assert (reading(user(role), focus, roles).refusal() is None) is reads


def test_several_roles_add_up() -> None:
    roles = allowed(SIGNS, READS)
    both = user("radiologist", "nurse")
    assert reading(both, report("RAD"), roles).refusal() is None
    assert reading(both, PLAN, roles).refusal() is None
    assert "(GE)" in (reading(both, report("GE"), roles).refusal() or "")


@pytest.mark.parametrize(
    ("roles", "enters"),
    [
        (("radiologist",), True),
        (("nurse",), True),
        (("clerk",), True),
        (("x",), False),
        ((), False),
    ],
)
def test_a_role_that_is_named_nowhere_does_not_enter(roles: tuple[str, ...], enters: bool) -> None:
    assert allowed(SIGNS, READS).admit(roles) is enters


@pytest.mark.parametrize("text", ["[]", "{", '{"a": "RAD"}', '{"a": [1]}'])
def test_wrong_roles_are_told(text: str) -> None:
    with pytest.raises(Misconfigured, match="CARELOOP_REVIEW_ROLES"):
        allowed(text)
    with pytest.raises(Misconfigured, match="CARELOOP_REVIEW_READERS"):
        allowed(SIGNS, text)


def test_readers_alone_would_restrict_nobody_and_are_refused() -> None:
    with pytest.raises(Misconfigured, match="CARELOOP_REVIEW_ROLES must be"):
        allowed("{}", READS)


def test_a_category_in_words_alone_is_none() -> None:
    spoken = report() | {
        "category": [{"coding": [{"display": "Radiology"}]}, *report()["category"]]
    }
    assert categories_of(spoken) == {"RAD"}


@pytest.mark.parametrize(
    ("records", "reads"),
    [
        (("Patient/1",), True),
        (("Patient/9", "Patient/1"), True),  # merged with hers
        (("Patient/2",), False),
        (("Patient/10",), False),
        ((), False),
    ],
)
def test_a_login_for_one_patient_reads_that_one_alone(
    records: tuple[str, ...], reads: bool
) -> None:
    who = user(patient="Patient/1")
    found = Reading(who, Roles(), frozenset({"RAD"}), records)
    assert (found.refusal() is None) is reads
    if not reads:
        with pytest.raises(MayNotRead, match="limited to one patient"):
            found.checked()


def test_an_emergency_opens_one_patient_and_signs_nothing() -> None:
    roles = allowed(SIGNS, READS)
    nurse = user("nurse", emergency=in_emergency("Patient/1"))
    opened = reading(nurse, report("GE"), roles, "Patient/1")
    assert opened.refusal() is None and opened.in_emergency
    assert reading(nurse, report("GE"), roles, "Patient/2").refusal()
    assert signing.refusal(nurse, report("GE"), roles)
    visitor = user("chief", patient="Patient/2", emergency=in_emergency("Patient/1"))
    assert reading(visitor, PLAN, roles, "Patient/1").in_emergency


def test_what_may_be_read_anyway_is_no_emergency() -> None:
    nurse = user("nurse", emergency=in_emergency("Patient/1"))
    assert not reading(nurse, PLAN, allowed(SIGNS, READS)).in_emergency
