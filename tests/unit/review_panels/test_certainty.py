"""How sure a model is, in words: its numbers order findings and are no chance of disease."""

import re
from typing import Any

import pytest

from services.imaging import codes as imaging
from services.review.panels import certainty, findings, passages
from shared.fhir import codes
from tests.unit.review_panels.support import resource


def sure(number: float | None) -> dict[str, Any]:
    if number is None:
        return {}
    return {"extension": [{"url": codes.AI_CONFIDENCE, "valueDecimal": number}]}


def score(value: float | None, threshold: float | None) -> dict[str, Any]:
    """A component as imaging writes it."""
    made: dict[str, Any] = {"code": imaging.CERTAINTY}
    if value is not None:
        made["valueQuantity"] = codes.quantity(value, "%")
    if threshold is not None:
        made["referenceRange"] = [{"high": codes.quantity(threshold, "%")}]
    return made


@pytest.mark.parametrize(
    ("confidences", "words"),
    [
        ([0.9], [certainty.ALONE]),
        ([None], [certainty.UNRANKED]),
        ([0.2, 0.9, None, 0.5], ["number 3 of 3", "surest of 3", "not stated", "number 2 of 3"]),
        ([0.9, 0.9, 0.1], ["surest of 3, with others"] * 2 + ["number 3 of 3"]),
        ([0.99, 0.98], ["surest of 2", "number 2 of 2"]),
        ([], []),
    ],
)
def test_confidences_become_ranks(confidences: list[float | None], words: list[str]) -> None:
    assert certainty.ranks(confidences) == words


@pytest.mark.parametrize(
    ("component", "said", "text"),
    [
        (score(91.2, 31.4), "above", "91.2 of 100; the model's threshold is 31.4. "),
        (score(31.4, 31.4), "above", "31.4 of 100; "),
        (score(12.0, 31.4), "below", "12 of 100; "),
        (score(91.2, None), "no threshold stated", "91.2 of 100; no threshold is stated. "),
        (score(None, 31.4), "no threshold stated", "not stated; the model's threshold is 31.4. "),
    ],
)
def test_a_score_is_told_by_its_threshold(component: dict[str, Any], said: str, text: str) -> None:
    observation = resource("Observation", "1", code={"text": "x"}, component=[component])
    [line] = findings.findings({"x": observation})
    [(name, value)] = line.details
    assert line.certainty.startswith(said)
    assert name == certainty.SCORE
    assert value.startswith(text)
    assert value.endswith(certainty.RANK_ONLY)


@pytest.mark.parametrize("kind", ["Observation", "Condition"])
def test_no_line_says_a_percentage_that_a_card_calls_a_rank(kind: str) -> None:
    outputs = {
        str(n): resource(kind, str(n), code={"text": f"Found {n}"}, **sure(n / 10))
        for n in range(1, 4)
    }
    lines = findings.findings(outputs) if kind == "Observation" else passages.problems(outputs)
    assert [line.certainty for line in lines] == ["surest of 3", "number 2 of 3", "number 3 of 3"]
    assert not any(re.search(r"\d ?%", str(line)) for line in lines)


@pytest.mark.parametrize(
    ("component", "expected"),
    [
        (
            {
                "code": {"text": "Ejection fraction"},
                "valueQuantity": codes.quantity(38, "%"),
                "referenceRange": [
                    {"low": codes.quantity(52, "%"), "high": codes.quantity(72, "%")}
                ],
            },
            ("Ejection fraction", "38 % (from 52 % up to 72 %)"),
        ),
        (
            {
                "code": {"text": "Potassium"},
                "valueQuantity": codes.quantity(5.9, "mmol/L"),
                "referenceRange": [{"text": "adults"}],
            },
            ("Potassium", "5.9 mmol/L (adults)"),
        ),
        ({"code": {"text": "Rhythm"}, "valueString": "sinus"}, ("Rhythm", "sinus")),
    ],
)
def test_a_number_stands_beside_its_scale(
    component: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert certainty.detail(component) == expected
