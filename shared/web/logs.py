"""Logs: JSON lines on stderr.

They hold places and classes of errors, never values that came from a person.
"""

import logging
import sys
import threading
from datetime import UTC, datetime

import orjson

from shared.web.outages import Outages, listen_to_kafka

NOISY = (
    "kafka",
    "httpx",
    "httpcore",
    "waitress",
    "werkzeug",
    "pydicom",
    "dicomweb_client",
    "PyRuSH",
    "transformers",
)
# its warnings hold whole URLs, whose queries identify people
QUOTING = "urllib3"
log = logging.getLogger(__name__)


class JsonLines(logging.Formatter):
    """One object per line: time, level, service, logger, message.

    For errors also their class and the place.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if traceback := getattr(record, "traceback", None):
            line["traceback"] = traceback
        if record.exc_info and record.exc_info[1]:
            # Never its text or the values of its frames.
            line["error"] = type(record.exc_info[1]).__name__
            line["traceback"] = trace(record.exc_info[1])
        return orjson.dumps(line, default=str).decode()


def configure(service: str, level: str) -> None:
    """Let the root logger write JSON lines.

    Libraries log from WARNING up, because their lower levels may quote what they carry. What is
    away is told at the beginning and at the end (`shared.web.outages`), not with each try. An error
    that nobody caught is logged the same way: Python's own traceback would print its text.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service))
    handler.addFilter(Outages())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.getLogger(QUOTING).setLevel(logging.ERROR)
    listen_to_kafka()
    logging.captureWarnings(True)
    sys.excepthook = lambda _kind, error, _traceback: uncaught(error)
    threading.excepthook = lambda args: uncaught(
        args.exc_value, args.thread.name if args.thread else None
    )


def uncaught(error: BaseException | None, thread: str | None = None) -> None:
    """Log the fatal error of a thread or of the process."""
    if error is not None:
        log.critical(
            "%s ended by %s",
            f"thread {thread}" if thread else "the process",
            type(error).__name__,
            extra={"traceback": trace(error)},
        )


def trace(error: BaseException) -> list[str]:
    """List `file:line function` of each frame.

    A formatted traceback may quote values; this one does not.
    """
    frames, step = [], error.__traceback__
    while step:
        code = step.tb_frame.f_code
        frames.append(
            f"{code.co_filename.rsplit('site-packages/', 1)[-1]}:{step.tb_lineno} {code.co_name}"
        )
        step = step.tb_next
    return frames
