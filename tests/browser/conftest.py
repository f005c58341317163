"""A real EHR, the pages on a real port, a real browser."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from services.clinic.ports import free_port
from services.review.app import create_review_app, feed_of
from services.review.process import THREADS
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.settings import load_settings
from shared.web.app import serve
from tests.browser.clinic import PASSWORD, Clinic, open_clinic
from tests.peers import sekmet

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=30_000)  # the default of 5 s is an idle machine's


@dataclass(frozen=True)
class Site:
    """The pages of one clinic."""

    url: str
    clinic: Clinic


@pytest.fixture(scope="session")
def fhir_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sekmet(tmp_path_factory.mktemp("ehr")) as peer:
        yield peer.base


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def ehr(fhir_url: str) -> Iterator[Ehr]:
    client = open_ehr(load_settings(fhir_url=fhir_url))
    yield client
    client.close()


@pytest.fixture
def clinic(ehr: Ehr) -> Clinic:
    return open_clinic(ehr)


@contextmanager
def served(clinic: Clinic, state: Path, **settings: object) -> Iterator[Site]:
    """The pages of a clinic on a free port, with their feed."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    given = clinic.login | {"review_url": url, "state_dir": state, "http_port": port} | settings
    app = create_review_app(load_settings(fhir_url=clinic.ehr.base, **given), clinic.ehr)
    feed = feed_of(app)
    threading.Thread(target=feed.run, daemon=True).start()
    serving = serve(app, "127.0.0.1", port, THREADS)
    try:
        yield Site(url, clinic)
    finally:
        feed.close()
        serving.close()


@pytest.fixture
def open_site(clinic: Clinic, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Serve the pages with these settings; all are closed at the end."""
    with ExitStack() as sites:
        yield lambda **settings: sites.enter_context(served(clinic, tmp_path, **settings))


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    return open_site()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 900})
    made.set_default_timeout(60_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def log_in(page: Page, site: Site, password: str = PASSWORD) -> None:
    """Log in as the local clinician."""
    page.goto(f"{site.url}/login")
    page.get_by_label("Name").fill("berg")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
