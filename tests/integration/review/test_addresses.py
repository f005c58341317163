"""Review: addresses that lead nowhere, and who is told how."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from services.clinic.ports import free_port
from shared.web.app import serve
from tests.browser.clinic import Clinic, a_film
from tests.integration.review.support import Visitor, audited

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
ODD = [
    "a%00b",
    "a%0Ab",
    "%E2%80%8B",
    "a%2Fb",
    "a%20b",
    "..",
    "%2e%2e",
    "%ff",
    "a" * 65,
    "a'b",
    "$everything",
]


@pytest.mark.parametrize("odd", ODD)
def test_an_id_that_can_be_none_is_not_found(doctor: Visitor, clinic: Clinic, odd: str) -> None:
    task = a_film(clinic)
    paths = (
        f"/results/{odd}",
        f"/results/{odd}/film",
        f"/results/{odd}/media/heat-map",
        f"/results/{task}/media/{odd}",
        f"/models/{odd}",
        f"/assets/{odd}",
    )
    for path in paths:
        answer = doctor.client.get(path, headers=BROWSER)
        assert answer.status_code in (308, 404), (path, answer.status_code)
    for form in ("decision", "close", "emergency"):
        assert doctor.post(f"/results/{odd}/{form}").status_code in (308, 404)


@pytest.mark.parametrize("name", ["patient", "service", "outcome", "page", "anything"])
def test_a_question_with_control_characters_is_refused(doctor: Visitor, name: str) -> None:
    for value in ("a%00b", "%07", "a%0d%0aSet-Cookie:x"):
        answer = doctor.client.get(f"/?{name}={value}", headers=BROWSER)
        assert answer.status_code == 400 and answer.content_type.startswith("text/html")


@pytest.mark.parametrize("path", ["/nothing", "/results", "/results/7/nothing", "/.env", "/a%00b"])
def test_people_get_a_page_and_machines_get_json(
    doctor: Visitor, visit: Callable[..., Visitor], path: str
) -> None:
    for visitor, way_out in ((doctor, "Back to the worklist"), (visit(), "Log in")):
        page = visitor.client.get(path, headers=BROWSER)
        assert page.status_code == 404 and page.content_type.startswith("text/html")
        assert "Not found" in page.text and way_out in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for accept in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        answer = doctor.client.get(path, headers=accept)
        assert answer.get_json()["resourceType"] == "OperationOutcome"


OTHER_BROWSERS = (
    "text/html",
    "application/xhtml+xml",
    "application/xhtml+xml,application/xml;q=0.9",
    "text/html, application/xhtml+xml, */*",
    "text/html;q=0.5,*/*;q=0.1",
)


@pytest.mark.parametrize("accept", OTHER_BROWSERS)
def test_whatever_browser_asks_gets_a_page(doctor: Visitor, accept: str) -> None:
    asked = [("GET", "/nope"), ("GET", "/docs"), ("GET", "/healthz/x"), ("GET", "/logout")]
    asked += [("POST", "/"), ("PUT", "/login"), ("DELETE", "/results/7")]
    for method, path in asked:
        answer = doctor.client.open(path, method=method, headers={"Accept": accept})
        assert answer.status_code in (404, 405), path
        assert answer.content_type.startswith("text/html") and "<h1>" in answer.text, path
        assert ("Allow" in answer.headers) == (answer.status_code == 405), path


@pytest.mark.parametrize("accept", ["text/event-stream", "*/*", "text/html", ""])
def test_the_stream_of_changes_sends_nobody_to_the_login(
    visit: Callable[..., Visitor], accept: str
) -> None:
    answer = visit().client.get("/changes", headers={"Accept": accept})
    assert answer.status_code == 401 and "Location" not in answer.headers
    assert answer.get_json() == {"ended": True} and answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/results/7", "/models/7", "/results/7/report.pdf"])
def test_a_page_sends_people_to_the_login(visit: Callable[..., Visitor], path: str) -> None:
    answer = visit().client.get(path)
    assert answer.status_code == 302 and answer.location == f"/login?next={path}"


def test_a_form_at_an_address_without_one_is_told_on_a_page(doctor: Visitor) -> None:
    answer = doctor.client.post("/healthz", headers=BROWSER)
    assert answer.status_code == 405 and "Not possible here" in answer.text


def test_the_metrics_tell_of_pages_logins_decisions_and_the_ehr(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    doctor.get(f"/results/{task}")
    doctor.get("/results/nothing", 404)
    doctor.decide(task, "sign", reviewed="yes")
    told = doctor.client.get("/metrics").text
    for line in (
        'careloop_review_page_seconds_count{page="result",status="200"} 2.0',
        'careloop_review_page_seconds_count{page="result",status="404"} 1.0',
        'careloop_review_logins_total{outcome="entered"} 1.0',
        'careloop_review_decisions_total{kind="signed"} 1.0',
        "careloop_review_emergency_accesses_total 0.0",
        "process_cpu_seconds_total",
    ):
        assert line in told, line
    for word in (f'"{task}"', f'"{clinic.patient}"', "Berg", "Mustermann"):
        assert word not in told


@pytest.fixture
def served(doctor: Visitor) -> Iterator[Callable[[int], httpx.Client]]:
    """The pages on a real port behind so many proxies, for somebody who is logged in."""
    cookie, servings = doctor.client.get_cookie("careloop"), []

    def at(proxies: int) -> httpx.Client:
        port = free_port()
        servings.append(serve(doctor.client.application, "127.0.0.1", port, proxies=proxies))
        return httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            cookies={"careloop": cookie.value if cookie else ""},
            timeout=60,
        )

    yield at
    for serving in servings:
        serving.close()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "10.9.9.9", "127.0.0.1"),
        (1, "10.9.9.9", "10.9.9.9"),
        (1, "6.6.6.6, 10.9.9.9", "10.9.9.9"),
        (2, "6.6.6.6, 10.9.9.9, 10.0.0.2", "10.9.9.9"),
        (1, "", "127.0.0.1"),
    ],
)
def test_the_address_is_the_client_s_as_far_as_proxies_are_believed(
    served: Callable[[int], httpx.Client],
    clinic: Clinic,
    proxies: int,
    forwarded: str,
    address: str,
) -> None:
    a_film(clinic)
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    with served(proxies) as client:
        assert client.get("/", headers=headers).status_code == 200
    [event] = audited(clinic, "E")
    assert event["agent"][0]["network"]["address"] == address
