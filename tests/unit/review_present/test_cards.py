"""Review present: model cards."""

import pytest

from services.review.result.evidence import body

TEXT = "# Chest films\n\nFor tests.\n\n---\n\nEnd.\n"


@pytest.mark.parametrize(
    "front",
    [
        "---\nlicense: apache-2.0\nlibrary_name: careloop\n---\n",
        "---\nlicense: mit\n...\n",
        "\ufeff---\nlicense: mit\n---\n",
        "---  \nlicense: mit\ntags: [a, b]\n---  \n",
        "---\n# made by hand\nlicense: mit\n---\n",
    ],
)
def test_the_front_matter_is_not_shown(front: str) -> None:
    assert body(front + TEXT) == TEXT
    windows = (front + TEXT).replace("\n", "\r\n")
    assert body(windows) == TEXT.replace("\n", "\r\n")


@pytest.mark.parametrize(
    "card",
    [
        TEXT,
        "---\n\n# A rule first\n\n---\n",
        "---\nlicense: mit\n\n# Never closed\n",
        "text\n---\nlicense: mit\n---\n",
        "",
    ],
)
def test_what_is_none_stays(card: str) -> None:
    assert body(card) == card
