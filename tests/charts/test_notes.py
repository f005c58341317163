"""What Helm prints after an install."""

import re

import pytest

from shared.json import Json
from tests.charts.renders import VARIANTS, manifests, templates, values_of


def notes(values: Json) -> str:
    [text] = [text for path, text in templates(values).items() if path.endswith("NOTES.txt")]
    return text


OFF = {
    name: {"components": {name: {"enabled": False}}} for name in ("intake", "review", "genomics")
}
CASES = {variant: values_of(variant) for variant in VARIANTS} | {
    f"without {name}": values for name, values in OFF.items()
}


@pytest.mark.parametrize("case", CASES)
def test_what_the_notes_name_is_there(case: str) -> None:
    there = {(m["kind"], m["metadata"]["name"]) for m in manifests(CASES[case])}
    text = notes(CASES[case])
    named = {("Deployment", name) for name in re.findall(r"deploy/(\S+)", text)} | {
        ("Service", name) for name in re.findall(r"svc/(\S+)", text)
    }
    assert named <= there
    assert "careloop doctor" in text
    assert "careloop dead-letters list" in text


def test_the_notes_say_where_the_pages_are() -> None:
    assert "svc/careloop-review 8420:80" in notes({})
    assert "https://review.example" in notes(values_of("production"))
    assert "review pages" not in notes(OFF["review"])
