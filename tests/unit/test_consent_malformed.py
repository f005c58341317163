"""Consents of an odd shape: they may have said no, so they deny."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.errors import ConsentDenied
from shared.fhir import codes
from shared.privacy.consent import decide, permit
from shared.settings import Settings
from tests.fakes import SEKMET, FakeEhr
from tests.unit.test_consent import IMAGING, NOTES, TREAT, actor, asked, consent

ODD: list[Any] = [None, "x", 7, [], {}, ["x"], [None], [[]]]
"""No value of an element that is a list of objects."""
ACTIVE_LATER = {"start": "2026-06-16", "end": "2026-06-14"}


def conditions(**odd: Any) -> dict[str, Any]:
    """A permit under a condition."""
    return {"provision": [{"type": "permit", **odd}]}


@pytest.mark.parametrize("odd", ODD, ids=str)
@pytest.mark.parametrize("name", ["actor", "action", "purpose", "class", "provision"])
def test_a_condition_of_an_odd_shape_denies(name: str, odd: Any) -> None:
    for kind in ("permit", "deny"):
        stated = {"provision": [{"type": kind, name: odd}]}
        assert decide(consent(stated, "OPTIN"), asked()) == "deny"


@pytest.mark.parametrize(
    "provision",
    [
        conditions(action=[{"coding": "x"}]),
        conditions(action=[{"coding": None}]),
        conditions(action=[{"coding": [{"code": ["x"]}]}]),
        conditions(action=[{"coding": [{"code": "use"}, "x"]}]),
        conditions(**{"class": [IMAGING | {"code": ["ImagingStudy"]}]}),
        conditions(**{"class": [IMAGING, NOTES | {"code": None}]}),
        conditions(purpose=[TREAT | {"system": {}}]),
        conditions(purpose=[TREAT | {"code": 7}]),
        conditions(actor=[{"reference": "Device/ours"}]),
        conditions(actor=[{"reference": {"reference": ["Device/ours"]}}]),
        conditions(actor=[actor("Device/ours"), {"reference": None}]),
        conditions(period="2026"),
        conditions(period=None),
        conditions(period=[{"start": "2026"}]),
        conditions(period={"start": 2026}),
        conditions(period={"end": None}),
        conditions(period={"end": ""}),
        conditions(period=ACTIVE_LATER),
        conditions(provision=None),
        conditions(provision={"type": "permit"}),
        conditions(provision=[{"type": None}]),
        conditions(provision=[{"type": ["permit"]}]),
        conditions(provision=[{"type": "permit", "provision": [{"class": "x"}]}]),
        conditions(type=None),
        {"type": "permit", "provision": []},
        [{"type": "permit"}],
    ],
    ids=str,
)
def test_a_part_of_an_odd_shape_denies_where_all_else_permits(provision: Any) -> None:
    assert decide(consent(provision, "OPTIN"), asked()) == "deny"


def test_a_denial_whose_period_ends_before_it_begins_is_no_silence() -> None:
    stated = {"provision": [{"type": "deny", "period": ACTIVE_LATER}]}
    assert decide(consent(stated, "OPTIN"), asked()) == "deny"


def test_a_period_with_more_than_its_bounds_is_not_understood() -> None:
    period = {"start": "2026-06-16", "extension": [{"url": "urn:x", "valueBoolean": True}]}
    for kind in ("deny", "permit"):
        stated = {"provision": [{"type": kind, "period": period}]}
        assert decide(consent(stated, "OPTOUT"), asked()) == "deny"


@pytest.mark.parametrize(
    "policy",
    [
        *ODD,
        {"coding": None},
        {"coding": ["x"]},
        {"coding": "x"},
        {"coding": []},
        {"coding": {"system": codes.V3_ACT_CODE, "code": "OPTOUT"}},
        {"coding": [{"system": codes.V3_ACT_CODE, "code": ["OPTOUT"]}]},
        {"text": None},
    ],
    ids=str,
)
def test_a_policy_of_an_odd_shape_denies(policy: Any) -> None:
    assert decide(consent() | {"policyRule": policy}, asked()) == "deny"
    stated = consent({"type": "permit"}) | {"policyRule": policy}
    assert decide(stated, asked()) == "deny"


@pytest.mark.parametrize("odd", [*ODD, "maybe"], ids=str)
def test_a_provision_or_status_of_an_odd_shape_denies(odd: Any) -> None:
    assert decide(consent() | {"provision": odd}, asked()) == "deny"
    assert decide(consent(policy="OPTIN") | {"status": odd}, asked()) == "deny"


def test_a_consent_without_a_status_denies() -> None:
    stated = consent(policy="OPTIN")
    del stated["status"]
    assert decide(stated, asked()) == "deny"


MODIFIED = {"modifierExtension": [{"url": "urn:x:not", "valueBoolean": True}]}


@pytest.mark.parametrize(
    "stated",
    [
        consent(policy="OPTIN") | MODIFIED,
        consent(MODIFIED | {"type": "permit"}, "OPTIN"),
        consent(conditions(**MODIFIED), "OPTIN"),
        consent(conditions(actor=[actor("Device/ours") | MODIFIED]), "OPTIN"),
    ],
    ids=["root", "provision", "nested", "actor"],
)
def test_what_a_modifier_may_turn_round_denies(stated: dict[str, Any]) -> None:
    assert decide(stated, asked()) == "deny"


@pytest.fixture
def ehr() -> Iterator[Ehr]:
    with FakeEhr(SEKMET) as fake, open_ehr(Settings(fhir_url=fake.base)) as client:
        yield client


@pytest.fixture
def found(ehr: Ehr, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the EHR finds instead of Consents; it may keep what R4 forbids."""
    consents: list[Any] = []
    monkeypatch.setattr(ehr, "search", lambda *_, **__: iter(consents))
    return consents


def refusal(ehr: Ehr) -> ConsentDenied | None:
    try:
        permit(ehr, Settings(fhir_url=ehr.base), "Patient/1", ["DocumentReference"])
    except ConsentDenied as error:
        return error
    return None


@pytest.mark.parametrize(
    ("stated", "is_denied"),
    [
        ({"policyRule": "x"}, True),
        ({"status": None}, True),
        ({"status": ["active"]}, True),
        ({"status": "retired"}, True),
        ({"status": "inactive", "policyRule": "x"}, False),
        ({"status": "entered-in-error", "provision": "x"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_the_refusal_names_the_odd_consent(
    ehr: Ehr, found: list[Any], stated: dict[str, Any], is_denied: bool
) -> None:
    found.append(consent() | {"id": "odd"} | stated)
    error = refusal(ehr)
    assert (error is not None) == is_denied
    assert error is None or (error.consent, error.subject) == ("Consent/odd", "Patient/1")


@pytest.mark.parametrize(
    ("identifiers", "is_denied"),
    [
        ("x", True),
        (None, True),
        ({"system": codes.MODEL}, True),
        (["x"], True),
        ([{"system": "urn:x"}, None], True),
        ([{"system": codes.MODEL}], True),
        ([{"system": "urn:x"}], False),
        ([], False),
    ],
    ids=str,
)
def test_a_device_that_may_be_ours_is_denied(
    ehr: Ehr,
    found: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    identifiers: Any,
    is_denied: bool,
) -> None:
    device = {"resourceType": "Device", "id": "d", "identifier": identifiers}
    monkeypatch.setattr(ehr, "read", lambda _: device)
    stated = {"provision": [{"type": "deny", "actor": [actor("Device/d")]}]}
    found.append(consent(stated, "OPTIN") | {"id": "c"})
    assert (refusal(ehr) is not None) == is_denied


@pytest.mark.parametrize(
    ("element", "wanted"),
    [
        ({"coding": None}, []),
        ({"coding": "x"}, []),
        ({"coding": ["x", None, {"code": "a"}]}, [{"code": "a"}]),
        ({"coding": [{"system": ["s"], "code": ["a"], "display": "d"}]}, [{"display": "d"}]),
        ({"code": None}, []),
        ({"code": ["a"]}, []),
        (["x", {"code": "a"}, None], [{"code": "a"}]),
    ],
    ids=str,
)
def test_what_is_no_coding_is_passed_over(element: Any, wanted: list[Any]) -> None:
    assert list(codes.codings(element)) == wanted
