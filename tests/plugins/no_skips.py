"""Under CI a skipped test fails, unless what it lacks can't be had from a package client: a
container engine or CUDA.
"""

import os
from collections.abc import Generator
from typing import Any

import pytest

ALLOWED = ("container engine", "CUDA")


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that quotes its reason."""
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not any(word in reason for word in ALLOWED):
        report.outcome = "failed"
        report.longrepr = (
            f"{report.nodeid}: skipped under CI, which must start what its tests need. {reason}"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    refuse_skip(report)
    return report
