"""Fixtures of the tests of runtime."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.integration.runtime.support import World


@pytest.fixture(params=["sekmet", "hapi"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with FakeEhr(SEKMET if request.param == "sekmet" else HAPI) as fake:
        made = World(fake, tmp_path)
        yield made
        made.ehr.close()
        made.sink.close()
