"""Which parts a selection of tests waits for: those that it uses, and no others."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROBE = r"""
import sys, pytest
class Probe:
    def pytest_collection_finish(self, session):
        from tests.plugins import parts
        print("\nparts:", sorted(parts.parts_of(session.items)))
sys.exit(pytest.main(["--collect-only", "-q", *sys.argv[1:]], [Probe()]))
"""


def needed(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    [line] = [text for text in done.stdout.splitlines() if text.startswith("parts:")]
    return line.removeprefix("parts: ")


@pytest.mark.parametrize(
    ("selection", "parts"),
    [
        (["tests/unit/genomics_calling"], "[]"),
        (["tests/integration/test_genomics_line.py"], "['hl7']"),
        (["tests/integration/test_imaging.py"], "['hl7', 'orthanc']"),
        (["tests/browser"], "['chromium']"),
        (["tests/contract/test_stream_kafka.py"], "['kafka']"),
        (["services/cli/template"], "[]"),
    ],
    ids=["genomics", "validator", "imaging", "browser", "kafka", "a new service"],
)
def test_a_selection_waits_for_its_own_parts(selection: list[str], parts: str) -> None:
    assert needed(*selection) == parts


def test_an_unknown_part_is_refused() -> None:
    done = subprocess.run(
        [ROOT / ".ci" / "parts", "printer"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "usage" in done.stderr
