"""The access log: every time a service opened a patient's input, also where nothing was written afterwards. One JSON line each, chained.

AuditEvents at the EHR (`shared.audit`) tell of what changed the record and of denials; a replay must add none, so accesses that
end in "unchanged" stand here. Each line carries the SHA-256 of the line before it: a line that was changed or removed shows.
"""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson

from shared.errors import Unavailable
from shared.fhir.instants import now

Record = Callable[[str, str | None], None]
FIRST: Final = "0" * 64
LONGEST_LINE: Final = 4096


def no_trail(_input: str, _patient: str | None) -> None:
    """For those who keep their own account: benchmarks and tests."""


class Trail:
    """The access log of one service in one process. References are logical ids; no name, no content.

    Raises:
        Unavailable: the file can't be written: no access without its line.
    """

    def __init__(self, path: Path, service: str) -> None:
        self._path, self._service, self._lock = path, service, threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._last = _last_hash(path)

    def __call__(self, reference: str, patient: str | None) -> None:
        """Record that the service opens this input."""
        with self._lock:
            body = {"time": now(), "service": self._service, "action": "read", "what": reference, "patient": patient, "previous": self._last}
            line = orjson.dumps(body)
            try:
                with self._path.open("ab") as file:
                    file.write(line + b"\n")
            except OSError as error:
                raise Unavailable("ehr", f"the access log can't be written: {error.strerror}") from None
            self._last = hashlib.sha256(line).hexdigest()


def broken_at(path: Path) -> int | None:
    """The number (from 1) of the first line whose chain is broken; None when the log is whole."""
    expected = FIRST
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            line = raw.rstrip(b"\n")
            if _previous(line) != expected:
                return number
            expected = hashlib.sha256(line).hexdigest()
    return None


def _previous(line: bytes) -> Any:
    try:
        return orjson.loads(line).get("previous")
    except (orjson.JSONDecodeError, AttributeError):
        return None


def _last_hash(path: Path) -> str:
    """Of the last line, read from the end: the log may be years long. A line that a crash tore is closed, and shows as broken."""
    if not path.exists() or not path.stat().st_size:
        return FIRST
    with path.open("r+b") as file:
        file.seek(max(0, path.stat().st_size - LONGEST_LINE))
        tail = file.read()
        if not tail.endswith(b"\n"):
            file.write(b"\n")
    return hashlib.sha256(tail.splitlines()[-1]).hexdigest()
