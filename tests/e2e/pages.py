"""The review pages as a clinician's browser sees them."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.e2e.clinic import Clinic


@contextmanager
def browser(clinic: Clinic) -> Iterator[httpx.Client]:
    """A browser that is logged in."""
    base = f"http://127.0.0.1:{clinic.ports['review']}"
    with httpx.Client(base_url=base, follow_redirects=True, timeout=60) as client:
        form = {"name": "tester", "password": clinic.secret}
        csrf = hidden(client.get("/login").text, "csrf")
        client.post("/login", data=form | {"csrf": csrf}).raise_for_status()
        yield client


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    return page.split(f'name="{name}" value="')[1].split('"', maxsplit=1)[0]
