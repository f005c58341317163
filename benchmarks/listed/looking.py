"""Who looks at the worklist: pages over HTTP, each with the time that it took."""

import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from typing import Final

import httpx

from shared.ehr.client import Ehr
from shared.errors import Conflict
from shared.fhir import heads
from shared.fhir.heads import head_of
from shared.instants import now

NEXT: Final = re.compile(r'href="([^"]+)" rel="next"')
PREVIOUS: Final = re.compile(r'href="([^"]+)" rel="prev"')
TOTAL: Final = re.compile(r"of ([\d,]+)</span>")
ROW: Final = 'class="go"'


@dataclass(frozen=True)
class Look:
    """One page that was opened.

    Attributes:
        seconds: until its last byte.
        rows: how many results it lists.
        next, previous: the addresses of the pages beside it; empty: there is none.
    """

    seconds: float
    rows: int
    next: str
    previous: str


class Looking:
    """A clinician's browser, logged in."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=120)
        page = self._http.get("/login").text
        [token] = set(re.findall(r'name="csrf" value="([^"]+)"', page))
        given = {"csrf": token, "name": name, "password": password}
        answer = self._http.post("/login", data=given)
        if answer.status_code != 303:
            raise RuntimeError(f"the login was answered with {answer.status_code}")

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def at(self, path: str) -> Look:
        """Open a page of the list."""
        began = time.perf_counter()
        answer = self._http.get(path)
        seconds = time.perf_counter() - began
        if answer.status_code != 200:
            raise RuntimeError(f"{path.partition('?')[0]} was answered with {answer.status_code}")
        text = answer.text
        return Look(seconds, text.count(ROW), _found(NEXT, text), _found(PREVIOUS, text))

    def walk(self, path: str) -> Iterator[Look]:
        """Open a page and all that follow."""
        while path:
            look = self.at(path)
            yield look
            path = look.next


def _found(pattern: re.Pattern[str], page: str) -> str:
    found = pattern.search(page)
    return unescape(found[1]) if found else ""


@contextmanager
def writer(ehr: Ehr, tasks: Sequence[str], owner: str) -> Iterator[None]:
    """Change one head a second, as clinicians do who claim results."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.wait(1.0):
            number += 7
            task = ehr.read(f"Task/{tasks[number % len(tasks)]}")
            if task is None:
                continue
            claimed = None if "owner" in task else (owner, "Dr. Ada Berg")
            try:
                ehr.update(heads.owned(head_of(task), claimed, now()), task["meta"]["versionId"])
            except Conflict:
                continue

    thread = threading.Thread(target=write, name="writer")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
