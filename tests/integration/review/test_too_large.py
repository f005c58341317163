"""Review: a request body that is too large, or that breaks off, is refused with a page."""

import io
import logging
from collections.abc import Callable

import httpx
import pytest

from services.clinic.ports import free_port
from shared.web.app import serve
from tests.browser.clinic import Clinic, a_film
from tests.integration.review.support import Visitor

BIG = "x" * 1_000_001
FORM = {"content_type": "application/x-www-form-urlencoded"}
WORDS = "larger than these pages take"


def body(how: str) -> dict[str, object]:
    """The parts of a request whose body is larger than the pages take."""
    if how == "no length":
        sent = io.BytesIO(f"name={BIG}".encode())
        return FORM | {"input_stream": sent, "environ_overrides": {"wsgi.input_terminated": True}}
    if how == "multipart":
        part = f'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n{BIG}\r\n--b--\r\n'
        return {"data": part.encode(), "content_type": "multipart/form-data; boundary=b"}
    return FORM | {"data": f"name={BIG}".encode()}


@pytest.mark.parametrize("how", ["form", "multipart", "no length"])
@pytest.mark.parametrize("logged_in", [False, True])
def test_a_login_with_a_body_too_large_gets_a_page(
    visit: Callable[..., Visitor],
    caplog: pytest.LogCaptureFixture,
    how: str,
    logged_in: bool,
) -> None:
    visitor = visit()
    if logged_in:
        visitor.log_in()
    caplog.clear()
    with caplog.at_level(logging.INFO):
        answer = visitor.client.post("/login", **body(how))
    assert answer.status_code == 413 and answer.content_type.startswith("text/html")
    assert WORDS in answer.text and "Too large" in answer.text
    [line] = [r for r in caplog.records if r.name.startswith("services.review")]
    assert "CARELOOP_HTTP_MAX_BODY_BYTES" in line.getMessage()
    assert line.exc_info is None and not hasattr(line, "traceback")


@pytest.mark.parametrize("how", ["form", "multipart", "no length"])
@pytest.mark.parametrize(
    "path", ["decision", "close", "emergency", "owner", "look", "/logout", "/session"]
)
def test_every_form_with_a_body_too_large_gets_a_page(
    doctor: Visitor, clinic: Clinic, path: str, how: str
) -> None:
    task = a_film(clinic)
    address = path if path.startswith("/") else f"/results/{task}/{path}"
    answer = doctor.client.post(address, **body(how))
    assert answer.status_code == 413 and WORDS in answer.text
    assert clinic.task(task)["status"] == "requested"
    assert doctor.client.get("/").status_code == 200, "nobody was logged out"


@pytest.mark.parametrize("path", ["decision", "/nothing", "/healthz", "/emergency/end"])
@pytest.mark.parametrize("how", ["form", "multipart", "no length"])
def test_nobody_gets_a_fault_of_ours(visit: Callable[..., Visitor], path: str, how: str) -> None:
    address = path if path.startswith("/") else f"/results/7/{path}"
    answer = visit().client.post(address, headers={"Accept": "text/html"}, **body(how))
    assert answer.status_code in (401, 404, 405, 413) and "<h1>" in answer.text


@pytest.mark.parametrize("path", ["/login", "/logout", "/results/7/decision"])
def test_a_body_that_breaks_off_is_no_fault_of_ours(doctor: Visitor, path: str) -> None:
    short = {"input_stream": io.BytesIO(b"name=x"), "environ_overrides": {"CONTENT_LENGTH": "99"}}
    answer = doctor.client.post(path, **FORM, **short)
    assert answer.status_code == 400 and "<h1>" in answer.text


@pytest.mark.parametrize("path", ["/login", "/logout", "/results/7/decision"])
def test_a_body_in_chunks_is_refused_on_a_real_port(doctor: Visitor, path: str) -> None:
    cookie, port = doctor.client.get_cookie("careloop"), free_port()
    serving = serve(doctor.client.application, "127.0.0.1", port)
    chunks = (f"name={BIG}".encode() for _ in range(1))
    answer = httpx.post(
        f"http://127.0.0.1:{port}{path}",
        content=chunks,
        headers={"Content-Type": FORM["content_type"]},
        cookies={"careloop": cookie.value if cookie else ""},
        timeout=60,
    )
    serving.close()
    assert answer.status_code == 413 and WORDS in answer.text
