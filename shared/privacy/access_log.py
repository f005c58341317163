"""The access log: every time a service opened a patient's input, also where nothing was written
afterwards. One JSON line each, chained.

AuditEvents at the EHR (`shared.privacy.audit`) tell of what changed the record and of denials; a replay
must add none, so accesses that end in "unchanged" stand here. Each line carries the SHA-256 of the
line before it: a line that was changed or removed shows by its successor. The chain alone can't
show that lines are missing at the end, that the newest line was changed, that a whole file is gone,
or that somebody wrote the file anew from some line on (there is no secret in it). Whoever must know
that keeps copies elsewhere.

One process writes one file, under an exclusive lock (a local disk's): the next process of the
service takes `notes-2.jsonl`, and so on.
"""

import errno
import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from shared.errors import Misconfigured, Unavailable
from shared.instants import now

Record = Callable[[str, str | None], None]
FIRST: Final = "0" * 64
LONGEST_LINE: Final = 4096


def no_access_log(_input: str, _patient: str | None) -> None:
    """For those who keep their own account: benchmarks and tests."""


class AccessLog:
    """The access log of one service in one process. References are logical ids; no name, no
    content.

    Args:
        folder: of all access logs; made where it is missing.
        service: names the file.

    Raises:
        Misconfigured: at the start, the file can't be written.
        Unavailable: later: no access without its line.
    """

    def __init__(self, folder: Path, service: str) -> None:
        self._folder, self._service, self._lock = folder, service, threading.Lock()
        self._held: tuple[Path, BinaryIO] | None = None
        self._last = FIRST
        try:
            self._hold()
        except OSError as error:
            raise Misconfigured(
                f"CARELOOP_STATE_DIR: the access log in {folder} can't be written "
                f"({error.strerror}); name a local folder that can"
            ) from None

    def __call__(self, reference: str, patient: str | None) -> None:
        """Record that the service opens this input."""
        with self._lock:
            try:
                self._write(
                    {
                        "time": now(),
                        "service": self._service,
                        "action": "read",
                        "what": reference,
                        "patient": patient,
                    }
                )
            except OSError as error:
                self.close()  # what was written in part is closed when the file is held again
                raise Unavailable(
                    "ehr", f"the access log can't be written: {error.strerror}"
                ) from None

    def close(self) -> None:
        """Let go of the file."""
        if self._held:
            self._held[1].close()
        self._held = None

    def _write(self, body: dict[str, Any]) -> None:
        if not self._held or not _is_there(
            *self._held
        ):  # else: moved away (rotated) while we run, a new file begins
            self.close()
            self._hold()
        assert self._held
        line = orjson.dumps(body | {"previous": self._last})
        if self._held[1].write(line + b"\n") != len(line) + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._last = hashlib.sha256(line).hexdigest()

    def _hold(self) -> None:
        """Lock the first file that no other process writes, and find where its chain ends."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in _names(self._folder, self._service):
            file = path.open("a+b", buffering=0)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            except OSError:
                file.close()
                raise
            self._held, self._last = (path, file), _last_hash(file)
            return


def logs_of(folder: Path, service: str) -> list[Path]:
    """The access logs that the service's processes have written there."""
    return [
        path
        for path in sorted(folder.glob(f"{service}*.jsonl"))
        if path.stem.removeprefix(service).lstrip("-").isdigit() or path.stem == service
    ]


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


def _names(folder: Path, service: str) -> Iterator[Path]:
    yield folder / f"{service}.jsonl"
    yield from (folder / f"{service}-{number}.jsonl" for number in count(2))


def _is_there(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _previous(line: bytes) -> Any:
    try:
        return orjson.loads(line).get("previous")
    except (orjson.JSONDecodeError, AttributeError):
        return None


def _last_hash(file: BinaryIO) -> str:
    """Of the last line, read from the end: the log may be years long.

    A line that a crash tore is closed, and shows as broken.
    """
    size = file.seek(0, os.SEEK_END)
    if not size:
        return FIRST
    file.seek(max(0, size - LONGEST_LINE))
    tail = file.read()
    if not tail.endswith(b"\n"):
        file.write(b"\n")
    return hashlib.sha256(tail.splitlines()[-1]).hexdigest()
