"""Review: who a person is, by use and period."""

from datetime import date
from typing import Any

import pytest

from services.review import present
from services.review.person.ages import age
from services.review.person.identifiers import V2_0203, Identifier, identifiers_of
from services.review.person.names import NO_NAME, Names, names_of

TODAY = date(2026, 11, 28)
ENDED, LASTS = {"end": "2020-05-01"}, {"start": "2020-05-01"}
TO_COME = {"start": "2027-01-01"}


def name(text: str, use: str | None = None, **elements: Any) -> dict[str, Any]:
    return {"text": text, **({"use": use} if use else {}), **elements}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([name("B", "usual"), name("A", "official")], Names("A", (), ("B",))),
        ([name("B"), name("A", "usual")], Names("A", (), ("B",))),
        ([name("Old", "old"), name("Nick", "nickname")], Names("Nick", ("Old",))),
        ([name("Maid", "maiden"), name("A", "official")], Names("A", ("Maid",))),
        ([name("Old", "old")], Names(NO_NAME, ("Old",))),
        ([name("A", "official", period=ENDED), name("B", "usual")], Names("B", ("A",))),
        ([name("A", "official", period=ENDED)], Names(NO_NAME, ("A",))),
        ([name("A", "official", period=TO_COME), name("B", "temp")], Names("B")),
        ([name("A", "official", period={"end": "2026"})], Names("A")),
        ([name("A", "official", period={"end": "2026-11"})], Names("A")),
        ([name("A", "official", period={"end": "2026-10"})], Names(NO_NAME, ("A",))),
        ([name("A", "official"), name("A", "old")], Names("A")),
        ([name("X", "legal"), name("A", "anonymous")], Names("X", (), ("A",))),
        ([{"use": "official", "period": "always"}, name("B")], Names("B")),
        ([{"given": ["Ada", None, 3], "family": "Berg", "suffix": ["MD"]}], Names("Ada Berg MD")),
        ([None, 7, {}], Names(NO_NAME)),
        ("Ada", Names(NO_NAME)),
        ([], Names(NO_NAME)),
    ],
)
def test_a_name_is_what_is_in_use(names: Any, expected: Names) -> None:
    assert names_of({"name": names}, TODAY) == expected
    assert present.human_name({"name": names}) == expected.shown


def test_of_several_names_it_is_always_the_same() -> None:
    names = [
        name("C", "official"),
        name("A", "official"),
        name("B", "official", period=LASTS),
    ]
    for order in (names, names[::-1], [names[1], names[2], names[0]]):
        assert names_of({"name": order}, TODAY) == Names("B", (), ("A", "C"))


def test_nobody_has_no_name() -> None:
    assert names_of(None, TODAY).shown == NO_NAME


MRN = {"coding": [{"system": V2_0203, "code": "MR"}]}


def number(value: str, **elements: Any) -> dict[str, Any]:
    return {"value": value, **elements}


@pytest.mark.parametrize(
    ("identifiers", "values"),
    [
        ([number("1", use="old"), number("2", use="old"), number("3", type=MRN)], ["3"]),
        ([number("1"), number("2", type=MRN)], ["2", "1"]),
        ([number("1", type=MRN, period=ENDED), number("2", type=MRN)], ["2"]),
        ([number("1", type=MRN, use="usual"), number("2", type=MRN, use="official")], ["2", "1"]),
        ([number("1", type=MRN, use="temp"), number("2", type=MRN)], ["2", "1"]),
        ([number("1", type=MRN, use="old"), number("2")], ["2"]),
        ([number("1", type=MRN), number("2", type=MRN, period=LASTS)], ["2", "1"]),
        ([number(str(i)) for i in range(9)], ["0", "1", "2"]),
        ([number("1", period=TO_COME), number("2")], ["2"]),
        ([{"system": "urn:x"}, None, number("1")], ["1"]),
        ("1", []),
    ],
)
def test_the_official_number_in_use_comes_first(identifiers: Any, values: list[str]) -> None:
    assert [i.value for i in identifiers_of({"identifier": identifiers}, TODAY)] == values
    if isinstance(identifiers, list):
        turned = identifiers_of({"identifier": identifiers[::-1]}, TODAY)
        assert [i.value for i in turned] == values


def test_a_number_that_is_no_longer_valid_says_so_and_stands_alone() -> None:
    numbers = [number("1", use="old"), number("2", type=MRN, period=ENDED)]
    assert identifiers_of({"identifier": numbers}, TODAY) == [
        Identifier("MRN", "2", "no longer valid")
    ]
    assert identifiers_of({"identifier": [number("3", use="temp")]}, TODAY) == [
        Identifier("Identifier", "3", "temporary")
    ]


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        (MRN, "MRN"),
        (MRN | {"text": "Case number"}, "Case number"),
        ({"coding": [{"system": V2_0203, "code": "PPN", "display": "Passport"}]}, "Passport"),
        ({"coding": [{"code": "MR"}]}, "Identifier"),
        ([], "Identifier"),
        (None, "Identifier"),
    ],
)
def test_a_number_is_called_by_its_type(kind: Any, label: str) -> None:
    [found] = identifiers_of({"identifier": [number("1", type=kind)]}, TODAY)
    assert found.label == label


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        ("2024-11-28", "2 y"),
        ("2024-11-29", "23 months"),
        ("2026-10-28", "1 month"),
        ("2026-10-29", "30 days"),
        ("2026-11-27", "1 day"),
        ("2026-11-28", "0 days"),
        ("2026-11-29", None),
        ("2027", None),
        ("1940-03", "about 86 y"),
        ("1940-02-30", None),
        ("long ago", None),
    ],
)
def test_a_small_child_is_counted_in_months_and_days(birth: str, expected: str | None) -> None:
    assert age(birth, TODAY) == expected
