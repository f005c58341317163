"""tests/plugins/hapi.py: tests on a real HAPI FHIR run where they are asked for, never silently."""

import pytest

from tests.hapi.server import lacking

pytest_plugins = ["pytester"]

MODULE = """
import pytest

@pytest.mark.hapi
def test_on_hapi():
    pass

def test_anywhere():
    pass
"""
MARKER = "[pytest]\nmarkers = hapi: needs a real HAPI FHIR"
LINE = "1 tests on a real HAPI FHIR were left out: `make hapi` runs them"


@pytest.mark.parametrize(
    ("expression", "passed", "told"),
    [("", 1, True), ("not kafka", 1, True), ("hapi", 1, False), ("hapi or not hapi", 2, False)],
)
def test_they_run_where_the_marker_is_asked_for(
    expression: str, passed: int, told: bool, pytester: pytest.Pytester
) -> None:
    pytester.makeini(MARKER)
    pytester.makepyfile(MODULE)
    result = pytester.runpytest("-p", "tests.plugins.hapi", "-m", expression)
    result.assert_outcomes(passed=passed, deselected=2 - passed)
    assert (LINE in result.stdout.str()) == told


def test_a_missing_maven_is_said_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "mvn is not installed. As root: apt-get install maven default-jdk-headless" in str(
        lacking()
    )
