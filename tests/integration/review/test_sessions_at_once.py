"""Review: requests of one session at the same time undo nothing of each other."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from flask import Flask, flash, session
from flask.globals import request_ctx

from tests.browser.clinic import Clinic, a_film
from tests.integration.review.support import Visitor

AT_ONCE = 8


def test_requests_that_end_at_once_all_keep_what_they_changed(doctor: Visitor) -> None:
    app, barrier = doctor.client.application, Barrier(AT_ONCE)
    cookie = doctor.client.get_cookie("careloop")

    def note(number: int) -> None:
        with app.test_request_context(headers={"Cookie": f"careloop={cookie and cookie.value}"}):
            _keep(app, number, barrier)

    doctor.get("/")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(note, range(AT_ONCE)))
    with doctor.client.session_transaction() as kept:
        assert {f"note {n}" for n in range(AT_ONCE)} <= set(kept)
        assert sorted(text for _, text in kept["_flashes"]) == [str(n) for n in range(AT_ONCE)]


def _keep(app: Flask, number: int, barrier: Barrier) -> None:
    """Change the session of this request, and save it when all others have changed theirs."""
    session[f"note {number}"] = number
    flash(str(number))
    barrier.wait()
    current = request_ctx.session
    app.session_interface.save_session(app, current, app.response_class())


def test_looks_at_two_films_at_once_both_count(
    visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    reader = visit(review_film_first="*")
    reader.log_in()
    first, second = a_film(clinic), a_film(clinic)
    slow = reader.copy()
    with slow.client.session_transaction() as kept:
        kept["looks"] = {first: ["2026-01-01T00:00:00Z"]}
        reader.get("/")
        with reader.copy().client.session_transaction() as other:
            other["looks"] = {second: ["2026-01-01T00:00:01Z"], first: ["2026-01-01T00:00:02Z"]}
    with reader.client.session_transaction() as kept:
        assert set(kept["looks"]) == {first, second}
        assert kept["looks"][first] == ["2026-01-01T00:00:02Z"], "the first one kept stays"


def test_two_first_pages_at_once_show_the_same_token(doctor: Visitor) -> None:
    other = doctor.copy()
    with other.client.session_transaction() as kept:
        before = kept["csrf"]
    pages = [visitor.get("/") for visitor in (doctor, other)]
    assert {t for page in pages for t in re.findall(r'name="csrf" value="([^"]+)"', page)} == {
        before
    }


def test_no_slower_request_brings_a_session_back_after_the_logout(doctor: Visitor) -> None:
    doctor.get("/")
    token, slow = doctor.token(), [doctor.copy() for _ in range(3)]
    with (
        slow[0].client.session_transaction() as looking,
        slow[1].client.session_transaction() as granting,
        slow[2].client.session_transaction() as reading,
    ):
        doctor.post("/logout", token=token)
        looking["looks"] = {"a": [""]}
        granting["emergency"] = {"patient": "Patient/1", "until": 9e9, "at": 9e9}
        reading["note"] = "a page"
    for visitor in (doctor, *slow):
        visitor.get("/", 302)
