"""Review: files have no session, and what pages ask by themselves keeps none alive."""

import time
from collections.abc import Callable

import pytest
from flask import session

from tests.integration.review.support import Visitor

MODES: tuple[dict[str, str], ...] = (
    {},
    {"Sec-Fetch-Mode": "navigate"},
    {"Sec-Fetch-Mode": "cors"},
    {},
    {},
)
"""Not every browser says how it asks."""


@pytest.mark.parametrize(
    "path", ["/assets/review.css", "/assets/unknown.css", "/changes", "/session"]
)
def test_neither_files_nor_the_stream_keep_the_session_alive(
    visit: Callable[..., Visitor], path: str
) -> None:
    visitor = visit(review_idle_sec=2.0)
    visitor.log_in()
    for headers in MODES:
        time.sleep(0.5)
        visitor.client.get(path, headers=headers).close()
    visitor.get("/", 302)


@pytest.mark.parametrize("path", ["/assets/review.css", "/assets/keys.js", "/assets/unknown.css"])
def test_a_file_has_no_session_and_ends_none(doctor: Visitor, path: str) -> None:
    with doctor.client:
        doctor.get("/")
        assert "user" in session
        with doctor.client.get(path) as answer:
            assert "user" not in session and "Set-Cookie" not in answer.headers
    doctor.get("/")
