"""A folder as a small PACS, with one Part 10 file for each instance.

The paths are `studies/{study}/series/{series}/instances/{SOP instance}`, as dicomweb-client's
DICOMfileClient writes them, so it opens the folder, too. We do not use it ourselves because several
processes share the folder (imaging, review, `careloop load`). Its index is a SQLite file that is
only refreshed when a client is made, and by walking the whole tree; it lists an instance before the
file is written; the file is not written atomically; and the handle is bound to one thread. Here the
path is the index, and a file appears complete or not at all.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pydicom

from shared.dicom.parse import MALFORMED, MAX_FILE_BYTES, check_identity, check_uid, parse
from shared.disk.private import private_file, private_folder
from shared.errors import InvalidInput, NotYet, Unavailable


@dataclass(frozen=True)
class FolderPacs:
    """The folder. Safe to share between threads and processes.

    Made when something is stored.
    """

    root: Path

    def describe(self) -> str:
        """Describe the folder for `careloop doctor`."""
        studies = self.root / "studies"
        count = len(list(studies.iterdir())) if studies.is_dir() else 0
        return f"folder {self.root} ({count} studies)"

    def list_series(self, study: str) -> list[tuple[str, str]]:
        """List (Series Instance UID, Modality) of each series of the study.

        Raises:
            NotYet: the study is not there. InvalidInput: not a UID, or a malformed file.
        """
        folder = self.root / "studies" / check_uid(study, "Study Instance UID") / "series"
        try:
            series = sorted(p.name for p in folder.iterdir())
        except FileNotFoundError:
            raise NotYet("the study is not in the folder") from None
        return [
            (uid, str(self.retrieve_series(study, uid)[0].get("Modality", ""))) for uid in series
        ]

    def retrieve_series(self, study: str, series: str) -> list[pydicom.Dataset]:
        """Read every instance of the series, by SOP Instance UID.

        Raises:
            NotYet: nothing is there. InvalidInput: not a UID, or a malformed file. Unavailable: the
                disk can't be read.
        """
        folder = self._series(study, series)
        try:
            paths = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
            found = [parse(_read(path)) for path in paths]
        except FileNotFoundError:
            raise NotYet("the series is not in the folder") from None
        except OSError as error:
            raise Unavailable("pacs", type(error).__name__) from None
        if not found:
            raise NotYet("the series has no instance yet")
        return found

    def store(self, datasets: Sequence[pydicom.Dataset]) -> None:
        """Store new instances; present ones stay as they are.

        A SOP Instance UID names its content for ever.

        Raises:
            InvalidInput: a UID or the file meta information is missing or malformed; what came
                before it is stored.
            Unavailable: the disk can't be written.
        """
        for dataset in datasets:
            study, series, instance = check_identity(dataset)
            path = self._series(study, series) / instance
            if path.exists():
                continue
            try:
                _write(path, encode(dataset))
            except OSError as error:
                raise Unavailable("pacs", type(error).__name__) from None

    def _series(self, study: str, series: str) -> Path:
        parts = check_uid(study, "Study Instance UID"), check_uid(series, "Series Instance UID")
        return self.root / "studies" / parts[0] / "series" / parts[1] / "instances"


def encode(dataset: pydicom.Dataset) -> bytes:
    """Write the dataset as a Part 10 file.

    Raises:
        InvalidInput: it can't be written as its file meta information says.
    """
    buffer = BytesIO()
    try:
        pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    except MALFORMED as error:
        raise InvalidInput(
            f"the dataset can't be written as DICOM ({type(error).__name__})"
        ) from None
    return buffer.getvalue()


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise InvalidInput(f"DICOM file of more than {MAX_FILE_BYTES} bytes")
    return path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    """Write the complete file or nothing, even beside another writer."""
    private_folder(path.parent)
    unfinished = path.parent / f".{uuid4().hex}"
    private_file(unfinished)
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
