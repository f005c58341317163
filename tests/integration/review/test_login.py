"""Review: login."""

import re
from collections.abc import Callable

import pytest

from tests.browser.clinic import (
    Clinic,
    a_film,
    fill,
)
from tests.integration.review.support import Visitor


def test_nobody_sees_anything_without_a_login(
    visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    task, visitor = a_film(clinic), visit()
    for path in (
        "/",
        f"/results/{task}",
        f"/results/{task}/media/heat-map",
        f"/results/{task}/film",
        "/models/1",
    ):
        response = visitor.client.get(path)
        assert response.status_code == 302 and response.location.startswith("/login?next="), path
    assert visitor.post(f"/results/{task}/decision", action="sign").status_code == 401


def test_the_login_leads_back_to_the_page_that_was_asked_for(visit: Callable[..., Visitor]) -> None:
    assert visit().log_in(next="/results/7").location == "/results/7"
    assert visit().log_in(next="https://evil.example/").location == "/"


def test_guessing_is_slowed_down(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    assert [visitor.log_in(password="guess").status_code for _ in range(6)] == [401] * 5 + [429]
    assert visitor.log_in().status_code == 429


def test_logging_out_ends_it(doctor: Visitor) -> None:
    doctor.get("/")
    assert doctor.post("/logout").status_code == 303
    doctor.get("/", 302)


def test_cookies_are_secure_away_from_this_machine(visit: Callable[..., Visitor]) -> None:
    response = visit(review_url="https://review.example").client.get(
        "/login", base_url="https://review.example"
    )
    assert (
        response.headers["Set-Cookie"].startswith("__Host-careloop=")
        and "Secure" in response.headers["Set-Cookie"]
    )


def test_every_answer_is_protected(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    pages = ("/", f"/results/{task}", "/results/nothing", f"/results/{task}/media/heat-map")
    for path in (*pages, "/healthz", "/nothing"):
        headers = doctor.client.get(path).headers
        assert (
            "default-src 'none'" in headers["Content-Security-Policy"]
            and "unsafe" not in headers["Content-Security-Policy"]
        )
        assert (
            headers["Cache-Control"] == "no-store"
            and headers["X-Content-Type-Options"] == "nosniff"
        )
    assert doctor.client.get(f"/results/{task}/media/heat-map").content_type == "image/png"


def test_pages_hold_no_inline_script_or_style(doctor: Visitor, clinic: Clinic) -> None:
    for page in [
        doctor.get("/"),
        *(doctor.get(f"/results/{task}") for task in fill(clinic).values()),
    ]:
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", page)


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_form_without_its_token_changes_nothing(
    doctor: Visitor, clinic: Clinic, token: str
) -> None:
    task = a_film(clinic)
    doctor.get(f"/results/{task}")
    for path in (f"/results/{task}/decision", f"/results/{task}/close", "/logout"):
        assert doctor.post(path, token=token, action="sign", reviewed="yes").status_code == 400
    assert clinic.task(task)["status"] == "requested"


def test_a_form_of_another_site_changes_nothing(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    doctor.get(f"/results/{task}")
    sent = doctor.client.post(
        f"/results/{task}/decision",
        data={"csrf": doctor.token(), "action": "sign"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert sent.status_code == 400 and clinic.task(task)["status"] == "requested"
