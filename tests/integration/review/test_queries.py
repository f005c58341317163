"""Review: a search stands in an address, and nothing of ours passes that on."""

import io
import logging
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest

from services.review.worklist import listing
from shared.web.app import serve
from shared.web.logs import QUOTING, JsonLines
from tests.browser.clinic import Clinic, a_film
from tests.integration.review.support import Visitor
from tests.integration.review.worklist.support import path

WORDS = "Mustermannova"
QUERY = urlencode({"patient": WORDS, "text": WORDS})
PLACES = ("/", "/login", "/unknown", "/changes", "/results/unknown", "/assets/unknown.css")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that any logger says while it is listened to, as careloop writes it at DEBUG."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines("review"))
    # of it a service writes errors alone: a request to the EHR may name somebody
    handler.addFilter(lambda record: not record.name.startswith(QUOTING))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.parametrize("place", PLACES)
def test_no_answer_tells_others_its_address_or_is_kept(doctor: Visitor, place: str) -> None:
    with doctor.client.get(f"{place}?{QUERY}") as answer:
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


def test_what_goes_wrong_with_a_search_is_logged_without_its_words(
    doctor: Visitor, clinic: Clinic, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = a_film(clinic)
    doctor.get(f"/results/{task}/owner?colleague={WORDS}")
    doctor.get(path(clinic, text=WORDS))
    doctor.get(f"/?outcome=unknown&{QUERY}", 400)
    doctor.post(f"/results/{task}/owner?{QUERY}", owner="me", version="x")

    def broken(*_: object) -> None:
        raise ValueError(WORDS)

    monkeypatch.setattr(listing, "worklist", broken)
    doctor.get(f"/?{QUERY}", 500)
    assert "unexpected ValueError" in log.getvalue()
    assert WORDS not in log.getvalue()


def test_the_server_logs_no_address(
    doctor: Visitor,
    log: io.StringIO,
    capfd: pytest.CaptureFixture[str],
) -> None:
    cookie = doctor.client.get_cookie("careloop")
    serving = serve(doctor.client.application, "127.0.0.1", 0)
    server = HTTPConnection("127.0.0.1", serving.port, timeout=60)
    try:
        for place in [place for place in PLACES if place != "/changes"]:
            for sent in ({"Cookie": f"careloop={cookie.value if cookie else ''}"}, {}):
                server.request("GET", f"{place}?{QUERY}", headers=sent)
                assert server.getresponse().read()
        server.request("GET", f"/?{QUERY}", headers={"Content-Length": "no number"})
        assert server.getresponse().status == 400
    finally:
        server.close()
        serving.close()
    logging.getLogger("review").info("it listens")
    written = log.getvalue() + "".join(capfd.readouterr())
    assert "it listens" in written and WORDS not in written
