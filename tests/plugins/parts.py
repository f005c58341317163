"""Fetches what the collected tests need, and nothing else: jars, a browser, a PACS, HAPI FHIR.

A part of the suite (`make test ARGS="-k genomics"`) waits for no part of another one.
"""

import fcntl
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.hapi.server import build
from tests.jars import KAFKA, VALIDATOR, jars

ROOT: Final = Path(__file__).parents[2]
BY_MARKER: Final = {"hapi": "hapi", "kafka": "kafka", "orthanc": "orthanc"}
BY_FIXTURE: Final = {"hl7_errors": "hl7", "kafka_broker": "kafka", "browser": "chromium"}
JARS: Final = {"kafka": KAFKA, "hl7": VALIDATOR}
DEBIAN: Final = ("chromium", "orthanc")


def parts_of(items: Iterable[pytest.Item]) -> set[str]:
    """What these tests need, by their markers and fixtures."""
    found: set[str] = set()
    for item in items:
        found |= {part for name, part in BY_MARKER.items() if item.get_closest_marker(name)}
        fixtures = getattr(item, "fixturenames", ())
        found |= {part for name, part in BY_FIXTURE.items() if name in fixtures}
    return found


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait while another half of the suite fetches (`tests.side_by_side`)."""
    folder = ROOT / ".cache"
    folder.mkdir(exist_ok=True)
    with (folder / "fetching.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fetch(parts: set[str]) -> None:
    """Fetch them; what is there already takes no time.

    Raises:
        pytest.UsageError: a Debian package can't be installed, under CI; HAPI FHIR can't be built.
    """
    if "hapi" in parts:
        try:
            build()
        except RuntimeError as error:
            raise pytest.UsageError(str(error)) from None
    for part in sorted(parts & JARS.keys()):
        jars(JARS[part])
    debian = [part for part in DEBIAN if part in parts]
    if debian and subprocess.run([ROOT / ".ci" / "parts", *debian], check=False).returncode:
        raise pytest.UsageError(f"can't install {', '.join(debian)}: the lines above say why")


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    parts = parts_of(session.items)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if parts and reporter is not None:
        reporter.write_line(f"these tests need: {', '.join(sorted(parts))}")
    with one_at_a_time():
        fetch(parts)
