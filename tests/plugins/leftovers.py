"""What a failed test left open is closed at its end, without a word; so is what kafka-python leaves
behind (see `broker`).

Both are held until after the teardown, by the frames of the failure or by captured log records.
Closed only later, they would be reported as errors of a test that has nothing to do with them, or
in place of the session's summary. Any other test that passes answers for what it left open.
"""

import gc
import sys
import warnings
from collections.abc import Generator

import pytest

ERROR = (
    "last_type",
    "last_value",
    "last_traceback",
    "last_exc",
)  # where pytest keeps the error of a test that failed


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    ran = yield
    if hasattr(sys, "last_value") or item.get_closest_marker("kafka"):
        for name in ERROR:
            vars(sys).pop(name, None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
    return ran
