"""A tab hears of changes (server-sent events), over real HTTP."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from services.review.app import create_review_app
from services.review.worklist import streams
from services.review.worklist.feed import Feed
from services.review.worklist.index import INDEX, Index
from services.review.worklist.streams import Streams
from shared.settings import load_settings
from tests.browser.clinic import Clinic, a_film
from tests.integration.review.worklist.support import change, site

BY_A_PAGE = {"Sec-Fetch-Mode": "cors", "Accept": "text/event-stream"}
SOON = httpx.Timeout(10, read=10)
Site = AbstractContextManager[tuple[httpx.Client, Feed]]
OpenSite = Callable[..., Site]


@pytest.fixture
def open_site(
    clinic: Clinic, fhir_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> OpenSite:
    monkeypatch.setattr("services.review.worklist.feed.SWEEP_SEC", 0.1)
    monkeypatch.setattr(streams, "LOOK_SEC", 0.1)

    def opened(**settings: object) -> Site:
        given = clinic.login | {"state_dir": tmp_path} | settings
        return site(create_review_app(load_settings(fhir_url=fhir_url, **given), clinic.ehr))

    return opened


def numbers(lines: Iterator[str]) -> Iterator[int]:
    """The numbers of changes, as they come, once the list is complete."""
    for line in lines:
        if line.startswith("data: ") and (said := line.removeprefix("data: ")).isdecimal():
            yield int(said)


def test_a_change_is_told_at_once_and_only_a_change(open_site: OpenSite, clinic: Clinic) -> None:
    task = a_film(clinic)
    with open_site() as (client, feed):
        with client.stream("GET", "/changes", headers=BY_A_PAGE, timeout=SOON) as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            assert answer.headers["X-Accel-Buffering"] == "no"
            told = numbers(answer.iter_lines())
            first = next(told)
            began = time.monotonic()
            time.sleep(0.5)
            change(clinic, task, priority="stat")
            second = next(told)
            assert second > first and time.monotonic() - began >= 0.5
            assert second == feed.index.changes()
        page = client.get("/").text
        assert f'data-seen="{second}"' in page and 'data-changes="/changes"' in page


def test_nobody_hears_without_a_login(open_site: OpenSite) -> None:
    with open_site() as (client, _):
        client.cookies.clear()
        answer = client.get("/changes", headers=BY_A_PAGE)
        assert answer.status_code == 401 and "Location" not in answer.headers


def test_an_open_stream_keeps_no_session_alive(open_site: OpenSite) -> None:
    with open_site(review_idle_sec=4.0) as (client, _):
        assert client.get("/").status_code == 200
        end = time.monotonic() + 4.3
        for _ in range(2):
            with client.stream("GET", "/changes", headers=BY_A_PAGE, timeout=SOON) as answer:
                assert next(numbers(answer.iter_lines()))
                time.sleep(1.0)
        time.sleep(max(0.0, end - time.monotonic()))
        assert client.get("/").status_code == 302


def test_streams_end_when_the_pages_stop(open_site: OpenSite) -> None:
    with (
        open_site() as (client, feed),
        client.stream("GET", "/changes", headers=BY_A_PAGE, timeout=SOON) as answer,
    ):
        lines = answer.iter_lines()
        assert next(numbers(lines))
        feed.stop.set()
        assert list(numbers(lines)) == []


def test_more_tabs_than_streams_are_told_and_asked_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LOOK_SEC", 0.05)
    index, stop = Index(tmp_path / INDEX), threading.Event()
    all_tabs = Streams(index, stop, most=2)
    held = [all_tabs.events() for _ in range(2)]
    first = [next(each) for each in held]
    assert first == [f"retry: {streams.AGAIN_MS}\ndata: {index.changes()} building\n\n"] * 2
    for _ in range(3):
        assert list(all_tabs.events()) == [
            f"retry: {streams.BUSY_MS}\ndata: {index.changes()} building\n\n"
        ]

    held[0].close()
    other = all_tabs.events()
    assert next(other) == first[0]
    stop.set()
    assert list(other) == list(held[1]) == []


def test_a_stream_gives_a_sign_of_life_and_ends_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("LOOK_SEC", 0.02), ("BEAT_SEC", 0.1), ("LONGEST_SEC", 0.5)):
        monkeypatch.setattr(streams, name, seconds)
    first, *rest = Streams(Index(tmp_path / INDEX), threading.Event()).events()
    assert first.startswith("retry") and rest and set(rest) == {streams.BEAT}


def test_an_index_that_can_t_be_read_ends_the_stream_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LOOK_SEC", 0.02)
    (tmp_path / INDEX).mkdir()
    assert list(Streams(Index(tmp_path / INDEX), threading.Event()).events()) == []
