"""tests/plugins/no_skips.py: what CI makes of a skipped test."""

import pytest

pytest_plugins = ["pytester"]

MODULE = """
import pytest

def test_lazy():
    pytest.skip("no data here")

def test_engine():
    pytest.skip("no container engine answers `docker info`")

@pytest.mark.xfail(strict=True)
def test_known_gap():
    assert False

def test_good():
    pass
"""


@pytest.mark.parametrize(("ci", "failed", "skipped"), [("true", 1, 1), ("", 0, 2)])
def test_a_skip_fails_under_ci_alone(
    ci: str, failed: int, skipped: int, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    pytester.makepyfile(MODULE)
    pytester.runpytest("-p", "tests.plugins.no_skips").assert_outcomes(
        passed=1, xfailed=1, failed=failed, skipped=skipped
    )


def test_a_module_that_skips_itself_fails_too(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    pytester.makepyfile("import pytest\npytest.importorskip('no_such_module_anywhere')")
    result = pytester.runpytest("-p", "tests.plugins.no_skips")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*skipped under CI*"])
