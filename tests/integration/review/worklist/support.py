"""What the tests of the list share: its rows and counts as the page shows them."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import httpx
from flask import Flask

from services.clinic.ports import free_port
from services.review.app import feed_of
from services.review.worklist.feed import Feed
from services.review.worklist.listing import OUTCOMES
from shared.answers import Answer
from shared.fhir import heads
from shared.references import own_place
from shared.web.app import serve
from tests.browser.clinic import PASSWORD, Clinic, study
from tests.integration.review.support import Visitor

GO: Final = re.compile(r'class="go" href="/results/([^"]+)"')
THREADS: Final = 60


def listed(page: str) -> list[str]:
    """The Task ids of the rows, in their order."""
    return GO.findall(page)


def counts(page: str) -> dict[str, int]:
    """Outcome -> the number on its tab."""
    found = {}
    for outcome, name in OUTCOMES.items():
        [number] = re.findall(rf'{name} <span class="count ?[a-z]*">([\d,]+)</span>', page)
        found[outcome] = int(number.replace(",", ""))
    return found


def beside(page: str, rel: str) -> str | None:
    """The address of the next or previous page."""
    found = re.search(rf'href="([^"]+)" rel="{rel}"', page)
    return unescape(found[1]) if found else None


def path(clinic: Clinic, **asked: str) -> str:
    """The list of this clinic's patient, narrowed further."""
    return "/?" + urlencode({"patient": clinic.patient.split("/")[1]} | asked)


def change(clinic: Clinic, task: str, **elements: Any) -> None:
    """Write a head anew with these elements; None takes one away."""
    head = clinic.task(task) | elements
    kept = {k: v for k, v in head.items() if v is not None}
    clinic.ehr.update(kept, head["meta"]["versionId"])


def forms(page: str, task: str) -> dict[str, tuple[str, dict[str, str]]]:
    """The forms about a result: the button -> the address and the hidden fields."""
    found = {}
    for action, inner in re.findall(r'<form method="post" action="([^"]+)">(.*?)</form>', page):
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', inner))
        label = re.sub(r"<[^>]+>", "", inner).strip()
        if f"/results/{task}/" in action:
            found[label] = unescape(action), fields
    return found


def press(visitor: Visitor, page: str, task: str, label: str) -> Any:
    """Press a button of a row."""
    action, fields = forms(page, task)[label]
    return visitor.client.post(action, data=fields)


@contextmanager
def site(app: Flask, *, feeds: bool = True) -> Iterator[tuple[httpx.Client, Feed]]:
    """The pages on a port, with a thread that feeds their list; a client, logged in."""
    feed, port = feed_of(app), free_port()
    feeding = threading.Thread(target=feed.run)
    if feeds:
        feeding.start()
    serving = serve(app, "127.0.0.1", port, THREADS)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        try:
            log_in(client)
            while feeds and feed.index.fact("swept") is None:
                time.sleep(0.02)
            yield client, feed
        finally:
            feed.close()
            serving.close()
            if feeds:
                feeding.join()


def log_in(client: httpx.Client) -> None:
    """Log in as a browser does."""
    [token] = set(re.findall(r'name="csrf" value="([^"]+)"', client.get("/login").text))
    given = {"csrf": token, "name": "berg", "password": PASSWORD}
    assert client.post("/login", data=given).status_code == 303


def waiting(clinic: Clinic, count: int) -> list[str]:
    """Heads that wait, of one patient and without reports, the longest waiting first."""
    device = clinic.ehr.create({"resourceType": "Device", "status": "active"}).reference
    source = study(clinic.ehr, clinic.patient)
    entries = []
    for number in range(count):
        answer, since = Answer("imaging", f"{source}-{number}"), f"2026-01-01T00:00:{number:02}Z"
        draft = heads.first_draft(answer, 1, subject=clinic.patient, device=device, now=since)
        task = draft | {"status": "requested", "priority": "routine", "code": heads.APPROVE}
        request = {"method": "POST", "url": "Task"}
        entries.append({"fullUrl": f"urn:uuid:{uuid4()}", "resource": task, "request": request})
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answers = clinic.ehr.transact(bundle)
    return [own_place(answer["response"]["location"]).split("/")[1] for answer in answers]
