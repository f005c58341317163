"""Review present: values."""

from datetime import date
from typing import Any

import pytest

from services.review import present
from services.review.person.ages import age
from shared.fhir.urgency.priority import PRIORITIES


def test_urgency_is_named_for_people() -> None:
    assert [present.urgency_text(code) for code in (*PRIORITIES, "odd")] == [
        "Immediate (stat)",
        "Very urgent (asap)",
        "Urgent",
        "Routine",
        "odd",
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([{"family": "Berg", "given": ["Ada", "M"]}], "Ada M Berg"),
        ([{"use": "old", "text": "Ada Tal"}, {"use": "official", "text": "Ada Berg"}], "Ada Berg"),
        ([{"use": "official"}, {"use": "nickname", "text": "Addie"}], "Addie"),
        ([], present.NO_NAME),
    ],
)
def test_names(names: list[dict[str, Any]], expected: str) -> None:
    assert present.human_name({"name": names}) == expected


@pytest.mark.parametrize(
    ("coding", "expected"),
    [
        ([{"system": "http://example.org"}, {"code": "17"}], "17"),
        ([{"display": "Fever"}], "Fever"),
        ([{"system": "http://example.org"}], ""),
    ],
)
def test_a_coding_may_lack_its_code(coding: list[dict[str, str]], expected: str) -> None:
    assert present.concept_text({"coding": coding}) == expected


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        ("1940-03-02", "85 y"),
        ("1940-03-01", "86 y"),
        ("1940", "about 86 y"),
        (None, None),
        ("", None),
    ],
)
def test_age_is_whole_years_on_the_day(birth: str | None, expected: str | None) -> None:
    assert age(birth, date(2026, 3, 1)) == expected


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        ({"valueQuantity": {"value": 130, "comparator": "<", "unit": "mmHg"}}, "< 130 mmHg"),
        ({"valueQuantity": {"value": 0.5, "code": "mg"}}, "0.5 mg"),
        ({"valueCodeableConcept": {"coding": [{"code": "LA10317-8"}]}}, "LA10317-8"),
        (
            {
                "valueCodeableConcept": {
                    "coding": [{"code": "1", "display": "shown"}],
                    "text": "said",
                }
            },
            "said",
        ),
        ({"valueRange": {"low": {"value": 1}, "high": {"value": 2}}}, "1 to 2"),
        ({"valueBoolean": False}, "no"),
        ({"valueInteger": 0}, "0"),
        ({}, ""),
    ],
)
def test_values(holder: dict[str, Any], expected: str) -> None:
    assert present.value_text(holder) == expected


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", None, ""]
)
def test_only_web_addresses_become_links(url: str | None) -> None:
    assert "url" not in present.cite("CPIC", url)


def test_a_web_address_becomes_a_link() -> None:
    assert present.cite(None, "https://cpicpgx.org/x") == {
        "display": "https://cpicpgx.org/x",
        "url": "https://cpicpgx.org/x",
    }
