"""The real HAPI FHIR of the tests: one for the whole session, started when the first test asks for
it.

Tests marked `hapi` need Maven, 400 MB of jars and minutes, so they run only where the marker is
asked for: `make hapi`, or `-m hapi`.
"""

import re
from collections.abc import Iterator

import pytest

from tests.hapi.server import Hapi, hapi

LEFT_OUT = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def real_hapi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hapi]:
    """A running server. A test that kills it starts it again before it ends."""
    with hapi(tmp_path_factory.mktemp("hapi"), durable=True) as server:
        yield server


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked `hapi` where the marker expression does not name it."""
    if re.search(r"\bhapi\b", config.option.markexpr):
        return
    left_out = [item for item in items if item.get_closest_marker("hapi")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("hapi")]
    config.stash[LEFT_OUT] = len(left_out)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(
            f"{count} tests on a real HAPI FHIR were left out: `make hapi` runs them"
        )
