"""The limits of a model, as its card states them."""

from pathlib import Path

import pytest

from services.catalogue import analyser_names
from services.review.report.limits import limits_in
from services.treatment.model import CARD

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("card", "limits"),
    [
        (
            "# M\n\nx\n\n## Limits\n- Adults *only*.\n- `PA`\n  films.\n\n## Data\nNIH",
            ["Adults only.", "PA films."],
        ),
        ("# M\n## Known limits\nA\nB\n### More\nC\n# Next\nD", ["A B", "More", "C"]),
        ("# Limits of M\nA\n## Data\nB", ["A", "Data", "B"]),
        ("## Limits\n| a | b |\n|---|---|\n| 1 | 2 |", ["a", "b", "1", "2"]),
        ("# M\n\nIts limits are many.", []),
        ("", []),
        ("## Limits\n", []),
        ("## Limits\n<script>alert(1)</script>", ["<script>alert(1)</script>"]),
    ],
)
def test_what_stands_under_the_heading(card: str, limits: list[str]) -> None:
    assert limits_in(card) == limits


CARDS = {
    "imaging": (ROOT / "services/imaging/card.md").read_text("utf-8"),
    "genomics": (ROOT / "services/genomics/card.md").read_text("utf-8"),
    "notes": (ROOT / "services/notes/weights/entities/README.md").read_text("utf-8"),
    "treatment": CARD,
    "new": (ROOT / "services/cli/template/card.md").read_text("utf-8"),
}


def test_every_card_of_ours_states_its_limits() -> None:
    assert set(analyser_names()) <= set(CARDS)
    for name, card in CARDS.items():
        assert limits_in(card), name
