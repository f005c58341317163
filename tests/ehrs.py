"""The EHRs of many tests: fakes with the habits of sekmet and of HAPI, and a real sekmet."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from tests.fakes import HAPI, SEKMET, FakeEhr, Habits
from tests.peers import sekmet

EHRS: Final = ("fake-sekmet", "fake-hapi", "sekmet")


@contextmanager
def running(name: str, folders: pytest.TempPathFactory, hapi: Habits = HAPI) -> Iterator[str]:
    """Start one of `EHRS`; yields its base. `hapi`: the habits of the one that is like HAPI."""
    if name == "sekmet":
        with sekmet(folders.mktemp("sekmet")) as peer:
            yield peer.base
    else:
        with FakeEhr(SEKMET if name == "fake-sekmet" else hapi) as fake:
            yield fake.base
