"""Walk: 1,010 results wait; each can be reached, and the list tells what changes."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.instants import instant
from shared.settings import load_settings
from tests.browser.clinic import Clinic, open_clinic
from tests.browser.conftest import Site, log_in, served
from tests.browser.crowd import COUNT, Waiting, crowd
from tests.browser.review.support import faults, listed
from tests.peers import sekmet

SIZE = 25


@pytest.fixture(scope="module")
def fhir_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An EHR of its own: no other test pays for the crowd."""
    with sekmet(tmp_path_factory.mktemp("crowd")) as peer:
        yield peer.base


@pytest.fixture(scope="module")
def ehr(fhir_url: str) -> Iterator[Ehr]:
    with open_ehr(load_settings(fhir_url=fhir_url)) as client:
        yield client


@pytest.fixture(scope="module")
def clinic(ehr: Ehr) -> Clinic:
    return open_clinic(ehr)


@pytest.fixture(scope="module")
def everything(clinic: Clinic) -> Sequence[Waiting]:
    return crowd(clinic.ehr)


@pytest.fixture(scope="module")
def site(
    clinic: Clinic, everything: Sequence[Waiting], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    state: Path = tmp_path_factory.mktemp("state")
    with served(clinic, state) as opened:
        yield opened


@pytest.fixture
def page(page: Page, site: Site) -> Page:
    """The list, built and open."""
    log_in(page, site)
    expect(page.get_by_text("1,010", exact=True)).to_be_visible()
    expect(page.get_by_text("The list is being built")).to_have_count(0)
    return page


def test_forty_pages_down_every_result_is_seen_once(
    page: Page, everything: Sequence[Waiting]
) -> None:
    expected = [waiting.task for waiting in everything]
    seen: list[str] = []
    while True:
        first, shown = len(seen) + 1, listed(page)
        seen += shown
        pages = page.get_by_role("navigation", name="Pages")
        expect(pages).to_contain_text(f"{first:,} to {len(seen):,} of 1,010")
        further = pages.get_by_role("link", name="Next")
        if not further.count():
            break
        further.click()
        expect(pages).to_contain_text(f"{len(seen) + 1:,} to ")
    assert len(expected) == COUNT and first == 1_001
    assert seen == expected, "each once, the most urgent first, the oldest first of each class"

    # back by one, and to the beginning
    pages.get_by_role("link", name="Previous").click()
    expect(pages).to_contain_text("976 to 1,000 of 1,010")
    assert listed(page) == expected[975:1_000]
    pages.get_by_role("link", name="First").click()
    expect(pages).to_contain_text("1 to 25 of 1,010")
    assert faults(page) == []


def test_each_filter_leaves_what_it_names_in_the_same_order(
    page: Page, everything: Sequence[Waiting]
) -> None:
    three_days_ago = instant(datetime.now(UTC) - timedelta(days=3))
    fits: dict[tuple[str, str], Callable[[Waiting], bool]] = {
        ("Service", "Notes"): lambda w: w.service == "notes",
        ("Urgency", "Immediate (stat)"): lambda w: w.priority == "stat",
        ("Patient", "carla crowd007"): lambda w: w.number == 7,
        ("Text", "basal zone"): lambda w: w.zone == "basal",
        ("Waiting for at least", "3 days"): lambda w: w.created < three_days_ago,
        ("Claimed by", "Nobody's"): lambda _: True,
        ("Claimed by", "Mine"): lambda _: False,
    }
    for (field, value), fit in fits.items():
        narrow(page, field, value)
        assert_shows(page, [w.task for w in everything if fit(w)])
        page.get_by_role("link", name="Clear").click()
    assert_shows(page, [w.task for w in everything])

    # filters add up, and the pages keep them
    narrow(page, "Service", "Imaging")
    narrow(page, "Text", "lower")
    both = [w.task for w in everything if w.service == "imaging" and w.zone == "lower"]
    assert_shows(page, both)
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("navigation", name="Pages")).to_contain_text(f"of {len(both)}")
    assert listed(page) == both[SIZE : 2 * SIZE]


def narrow(page: Page, field: str, value: str) -> None:
    """Fill in one filter and ask for the list."""
    control = page.get_by_role("search").get_by_label(field, exact=True)
    if control.evaluate("e => e.tagName") == "SELECT":
        control.select_option(value)
    else:
        control.fill(value)
    page.get_by_role("button", name="Show").click()


def assert_shows(page: Page, expected: Sequence[str]) -> None:
    """The list counts these results, and begins with them."""
    tab = page.get_by_role("navigation", name="Outcomes").get_by_role("link").first
    expect(tab).to_have_text(f"Waiting for review {len(expected):,}")
    assert listed(page) == expected[:SIZE]
