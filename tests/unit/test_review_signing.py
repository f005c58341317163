"""The local login, its address and its cookies."""

import pytest

from services.review.access.login import FAILURES, Throttle, local_login
from services.review.access.security import is_secure
from services.review.account import _safe
from shared.errors import Misconfigured
from shared.settings import load_settings


@pytest.mark.parametrize(
    ("user_name", "password"),
    [
        ("berg", "x"),
        ("berg:Patient/1", "x"),
        (":Practitioner/1", "x"),
        ("berg:Practitioner/1", None),
        (None, "x"),
    ],
)
def test_half_a_local_login_is_told(user_name: str | None, password: str | None) -> None:
    given = {
        k: v
        for k, v in {"review_local_user": user_name, "review_local_password": password}.items()
        if v
    }
    with pytest.raises(Misconfigured, match="CARELOOP_REVIEW_LOCAL_USER"):
        local_login(load_settings(**given))


def test_the_local_login_takes_its_own_password_alone() -> None:
    login = local_login(
        load_settings(review_local_user="berg:Practitioner/1", review_local_password="geheim-ü")
    )
    assert (
        login
        and login.accepts("berg", "geheim-ü")
        and not login.accepts("berg", "geheim")
        and not login.accepts("Berg", "geheim-ü")
    )
    assert "geheim" not in repr(login)


def test_the_local_login_may_have_roles() -> None:
    login = local_login(
        load_settings(
            review_local_user="berg:Practitioner/1:radiologist, physician",
            review_local_password="x",
        )
    )
    assert login and login.login.roles == ("radiologist", "physician")
    assert login.login.fhir_user == "Practitioner/1" and login.login.login == "berg"


def test_failures_are_throttled_by_address() -> None:
    throttle = Throttle()
    for _ in range(FAILURES):
        assert not throttle.blocked("10.0.0.1")
        throttle.failed("10.0.0.1")
    assert throttle.blocked("10.0.0.1") and not throttle.blocked("10.0.0.2")


@pytest.mark.parametrize(
    ("given", "secure"),
    [
        ({"review_url": "http://127.0.0.1:8425"}, False),
        ({"review_url": "https://review.example"}, True),
        ({"review_url": "http://review.example"}, True),
        ({"http_host": "0.0.0.0"}, True),
        ({}, False),
    ],
)
def test_cookies_are_secure_but_on_this_machine(given: dict[str, str], secure: bool) -> None:
    assert is_secure(load_settings(**given)) is secure


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "",
        None,
    ],
)
def test_login_leads_nowhere_else(target: str | None) -> None:
    from flask import Flask

    app = Flask("test")
    app.add_url_rule("/", "review.worklist", lambda: "")
    with app.test_request_context():
        assert _safe(target) == "/" and _safe("/results/7?x=1") == "/results/7?x=1"
