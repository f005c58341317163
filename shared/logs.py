"""Logs: JSON lines on stderr. They hold places and classes of errors, never values that came from a person."""

import logging
import sys
from datetime import UTC, datetime

import orjson

NOISY = ("kafka", "httpx", "httpcore", "waitress", "werkzeug", "pydicom", "dicomweb_client", "PyRuSH", "transformers")


class JsonLines(logging.Formatter):
    """One object per line: time, level, service, logger, message, and for errors where they happened."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if traceback := getattr(record, "traceback", None):
            line["traceback"] = traceback
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__  # never its text or the values of its frames
        return orjson.dumps(line).decode()


def configure(service: str, level: str) -> None:
    """Let the root logger write JSON lines; libraries speak from WARNING up, since their lower levels may quote what they carry."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
