"""The access log: one line for each input opened by a service.

It also records what ends in "unchanged". AuditEvents at the EHR (`shared.privacy.audit`) record
only denials and what changed the record, because a replay must add none.

The lines are JSON and form a chain: each carries the SHA-256 of the line before it, so a line that
was changed or removed shows by its successor. The chain has no secret in it. So it cannot show that
lines are missing at the end, that the newest line was changed, that a whole file is gone, or that
somebody wrote the file anew from some line on. Whoever must know that keeps copies elsewhere.

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

from shared.disk.private import private_file, private_folder
from shared.errors import Misconfigured, Unavailable
from shared.instants import now

Record = Callable[[str, str | None], None]
FIRST: Final = "0" * 64
LONGEST_LINE: Final = 4096


def no_access_log(_input: str, _patient: str | None) -> None:
    """Record nothing: for benchmarks and tests."""


def once(record: Record) -> Record:
    """Return a Record to pass each input of a patient on once."""
    passed: set[tuple[str, str | None]] = set()

    def record_once(opened: str, patient: str | None) -> None:
        if (opened, patient) not in passed:
            record(opened, patient)
            passed.add((opened, patient))

    return record_once


class AccessLog:
    """The access log of one service in one process.

    It holds logical ids, no names and no content.

    Args:
        folder: of all access logs; it is made where it is missing.
        service: names the file.

    Raises:
        Misconfigured: at the start, the file can't be written.
        Unavailable: later, the file can't be written; no input is opened without its line.
    """

    def __init__(self, folder: Path, service: str) -> None:
        self._folder = folder
        self._service = service
        self._lock = threading.Lock()
        self._open: tuple[Path, BinaryIO] | None = None
        self._last = FIRST
        try:
            self._open_file()
        except OSError as error:
            raise Misconfigured(
                f"CARELOOP_STATE_DIR: the access log in {folder} can't be written "
                f"({error.strerror}); name a local folder that can"
            ) from None

    def __call__(self, reference: str, patient: str | None) -> None:
        """Record the opening of this input by the service."""
        with self._lock:
            line = {
                "time": now(),
                "service": self._service,
                "action": "read",
                "what": reference,
                "patient": patient,
            }
            try:
                self._write(line)
            except OSError as error:
                # A line that was written in part is ended when the file is opened again.
                self.close()
                raise Unavailable(
                    "ehr", f"the access log can't be written: {error.strerror}"
                ) from None

    def close(self) -> None:
        """Close the file and give up its lock."""
        if self._open:
            self._open[1].close()
        self._open = None

    def _write(self, body: dict[str, Any]) -> None:
        if not self._open or not _is_there(*self._open):
            # The file was moved away (rotated) while we run: a new one begins.
            self.close()
            self._open_file()
        assert self._open

        line = orjson.dumps(body | {"previous": self._last})
        if self._open[1].write(line + b"\n") != len(line) + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        self._last = hashlib.sha256(line).hexdigest()

    def _open_file(self) -> None:
        """Lock the first file without another writer, and find the end of its chain."""
        private_folder(self._folder)

        for path in _names(self._folder, self._service):
            private_file(path)
            file = path.open("a+b", buffering=0)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            except OSError:
                file.close()
                raise
            self._open, self._last = (path, file), _last_hash(file)
            return


def logs_of(folder: Path, service: str) -> list[Path]:
    """List the access logs of a service's processes."""
    return [
        path
        for path in sorted(folder.glob(f"{service}*.jsonl"))
        if path.stem.removeprefix(service).lstrip("-").isdigit() or path.stem == service
    ]


def broken_at(path: Path) -> int | None:
    """Find the first line with a broken chain.

    Returns:
        Its number, from 1; None when the log is complete.
    """
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
    """Hash the last line, read from the end: the log may be years long.

    A line that a crash cut off is ended here, and shows as broken.
    """
    size = file.seek(0, os.SEEK_END)
    if not size:
        return FIRST
    file.seek(max(0, size - LONGEST_LINE))
    tail = file.read()
    if not tail.endswith(b"\n"):
        file.write(b"\n")
    return hashlib.sha256(tail.splitlines()[-1]).hexdigest()
