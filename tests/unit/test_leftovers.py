"""tests/plugins/leftovers.py: what a failed test left open hides neither its failure nor another
test's success.
"""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

MODULE = """
import gc, socket

def test_that_fails():
    left_open = socket.socket()
    assert False

def test_that_passes():
    gc.collect()

def test_that_fails_last():
    left_open = socket.socket()
    assert False
"""
CARELESS = """
import socket

def test_that_passes_and_leaves_something_open():
    socket.socket()
"""
STRICT = ("-W", "error", "-p", "tests.plugins.leftovers")


@pytest.fixture(autouse=True)
def plugins_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def test_a_failure_is_told_and_nothing_else(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MODULE)
    pytester.runpytest_subprocess(*STRICT).assert_outcomes(passed=1, failed=2)


def test_one_that_passes_answers_for_what_it_left_open(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(CARELESS)
    result = pytester.runpytest_subprocess(*STRICT)
    assert result.ret != 0
    assert "ResourceWarning" in result.stdout.str() + result.stderr.str()
