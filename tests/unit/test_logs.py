"""Logs: one JSON object per line; an error's class and place, never its text."""

import json
import logging
import subprocess
import sys

from shared.web.logs import JsonLines

CANARY = "Zebedee Quux"


def fail() -> None:
    raise ValueError(CANARY)


def formatted(**extra: object) -> dict[str, object]:
    try:
        fail()
    except ValueError:
        record = logging.getLogger("x").makeRecord(
            "x",
            logging.ERROR,
            "f",
            1,
            "while reading %s",
            ("Patient/17",),
            sys.exc_info(),
            extra=extra,
        )
    line = JsonLines("toy").format(record)
    assert "\n" not in line
    found: dict[str, object] = json.loads(line)
    return found


def test_an_error_is_its_class_and_place() -> None:
    line = formatted()
    assert (line["level"], line["service"], line["message"], line["error"]) == (
        "ERROR",
        "toy",
        "while reading Patient/17",
        "ValueError",
    )
    assert any("test_logs.py" in frame and frame.endswith(" fail") for frame in line["traceback"])  # type: ignore[union-attr, attr-defined]
    assert CANARY not in json.dumps(line)


def test_what_nobody_caught_is_logged_the_same_way_in_every_thread() -> None:
    program = (
        "import threading; from shared.web.logs import configure; configure('toy', 'INFO')\n"
        f"def fail(): raise ValueError({CANARY!r})\n"
        "t = threading.Thread(target=fail, name='sweep'); t.start(); t.join(); fail()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [line["message"] for line in lines] == [
        "thread sweep ended by ValueError",
        "the process ended by ValueError",
    ]
    assert CANARY not in ended.stderr
    assert ended.returncode == 1


def test_a_library_that_quotes_urls_is_silent() -> None:
    program = (
        "import logging; from shared.web.logs import configure; configure('toy', 'DEBUG')\n"
        "for name in ('urllib3.connection', 'urllib3.connectionpool'):\n"
        f"    logging.getLogger(name).warning('Failed: /Patient?name=%s', {CANARY!r})"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stderr == ""
