"""References as texts: what is here, what is elsewhere, and what the EHR says of its own places."""

import pytest

from shared.answers import Answer
from shared.fhir.heads import focus_on
from shared.references import (
    OTHER_SYSTEM,
    is_a,
    is_elsewhere,
    own_place,
    relative,
    type_of,
    why_nobody,
)

OTHER = "https://other.example/fhir/Patient/17"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("Patient/17", "Patient/17"),
        ("Patient/17/_history/3", "Patient/17"),
        ("Patient/17/", "Patient/17"),
        ("Patient/17?x=1", "Patient/17"),
        (OTHER, OTHER),
        (f"{OTHER}/_history/3", OTHER),
        (f"{OTHER}/", OTHER),
        ("//other.example/Patient/17", "//other.example/Patient/17"),
        ("/other/Patient/17", "/other/Patient/17"),
        ("../Patient/17", "../Patient/17"),
        ("other/fhir/Patient/17", "other/fhir/Patient/17"),
        ("urn:uuid:1/2/3", "urn:uuid:1/2/3"),
        ("#Patient/17/x", "#Patient/17/x"),
        ("Patient?identifier=a/b|17", "Patient?identifier=a/b|17"),
        ("", ""),
    ],
)
def test_only_a_relative_reference_is_one_of_ours(reference: str, expected: str) -> None:
    assert relative(reference) == expected
    assert is_a(relative(reference), "Patient") == (expected == "Patient/17")


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://wrong.host:9/x/Task/7/_history/1", "Task/7"),
        ("Task/7", "Task/7"),
        ("/fhir/Task/7?a=b", "Task/7"),
        ("urn:uuid:1", "urn:uuid:1"),
        ("", ""),
    ],
)
def test_the_host_of_an_own_place_is_passed_over(location: str, expected: str) -> None:
    assert own_place(location) == expected


@pytest.mark.parametrize(
    ("reference", "elsewhere", "kind"),
    [
        ("Patient/17", False, "Patient"),
        (OTHER, True, "Patient"),
        ("HTTPS://OTHER.example/Group/1", True, "Group"),
        ("/Device/1", True, "Device"),
        ("https://other.example", True, ""),
    ],
)
def test_what_is_elsewhere_has_its_type(reference: str, elsewhere: bool, kind: str) -> None:
    assert (is_elsewhere(reference), type_of(reference)) == (elsewhere, kind)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (OTHER, OTHER_SYSTEM),
        ("https://other.example/fhir/Group/17", "nobody"),
        ("Group/17", "nobody"),
        ("", "nobody"),
        (None, "nobody"),
    ],
)
def test_why_a_subject_is_nobody(subject: str | None, expected: str) -> None:
    assert why_nobody(subject, "nobody") == expected


@pytest.mark.parametrize(
    ("named", "kind"),
    [
        ("Patient/17", "Patient"),
        (OTHER, "Patient"),
        ("https://portal.example/person/17", None),
        ("https://portal.example", None),
    ],
)
def test_a_focus_that_is_not_here_is_named(named: str, kind: str | None) -> None:
    focus = focus_on(Answer("treatment", named), exists=False)
    assert (focus["identifier"]["value"], focus.get("type")) == (named, kind)
