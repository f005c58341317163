"""A patient's files, read and checked whole before anything is written.

FHIR JSON, films, genomes, notes.
"""

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shared.errors import InvalidInput, Misconfigured
from shared.fhir import codes
from shared.json import Json
from shared.settings import Settings

if TYPE_CHECKING:
    import pydicom
FILE: Final = (
    f"{codes.NS}/file"  # Identifier: patient and SHA-256 of the file that a DocumentReference holds
)
NOTE_TYPES: Final = {  # beginning of a note's file name -> LOINC document type
    "discharge": ("18842-5", "Discharge summary"),
    "consult": ("11488-4", "Consult note"),
    "progress": ("11506-3", "Progress note"),
    "procedure": ("28570-0", "Procedure note"),
    "": ("34117-2", "History and physical note"),
}
GENOME: Final = ("51969-4", "Genetic analysis report")
MAX_NOTE_BYTES: Final = 500_000  # in base64 still below what proxies before EHRs let through
KINDS: Final = {".json": "json", ".dcm": "dcm", ".vcf": "vcf", ".vcf.gz": "vcf", ".txt": "txt"}
PREAMBLE: Final = 128  # PS3.10: then `DICM`
GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True)
class Document:
    """A note or a genome."""

    file: str
    content_type: str
    kind: tuple[str, str]
    data: bytes


def sort_files(source: Path) -> tuple[Mapping[str, list[Path]], list[Path]]:
    """Return the files of a folder by kind, and those of no kind.

    Kinds are `json`, `dcm`, `vcf`, `txt`; a single file must be JSON.

    Raises:
        InvalidInput: another single file.
    """
    found: dict[str, list[Path]] = {kind: [] for kind in KINDS.values()}
    if not source.is_dir():
        if source.suffix.lower() != ".json":
            raise InvalidInput(
                f"{source}: a single file must be a Bundle in .json; put other files into a folder "
                "beside their Patient."
            )
        return found | {"json": [source]}, []
    others: list[Path] = []
    for path in sorted(
        p
        for p in source.rglob("*")
        if not p.name.startswith(".") and (p.is_symlink() or p.is_file())
    ):
        kind = next((kind for end, kind in KINDS.items() if path.name.lower().endswith(end)), None)
        if kind is None and _is_dicom(path):
            kind = "dcm"
        (others if kind is None else found[kind]).append(path)
    return found, others


def name_of(path: Path) -> str:
    """The file's name as Unicode.

    A name may hold any bytes, and what is none in UTF-8 could not be written to the EHR.
    """
    return os.fsencode(path.name).decode("utf-8", "replace")


def read_bytes(path: Path) -> bytes:
    """The file's content.

    Raises:
        InvalidInput: it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"{path}: can't be read ({error.strerror or type(error).__name__})."
        ) from None


def read_genome(path: Path, settings: Settings) -> Document:
    """A VCF, plain or compressed.

    Raises:
        InvalidInput: it is none, or larger than the genomics service takes.
    """
    data = read_bytes(path)
    if len(data) > settings.genomics_max_vcf_bytes:
        raise InvalidInput(
            f"{path}: {len(data)} bytes, more than CARELOOP_GENOMICS_MAX_VCF_BYTES "
            f"({settings.genomics_max_vcf_bytes}) allows."
        )
    if not data.startswith((b"##fileformat=VCF", GZIP)):
        raise InvalidInput(f"{path}: not a VCF (its first line is not ##fileformat=VCF...).")
    return Document(
        name_of(path), "application/gzip" if data.startswith(GZIP) else "text/vcf", GENOME, data
    )


def read_note(path: Path) -> Document:
    """A note in UTF-8; its type follows from the beginning of the file's name.

    Raises:
        InvalidInput: empty, no text, or longer than a note is.
    """
    data = read_bytes(path)
    if len(data) > MAX_NOTE_BYTES:
        raise InvalidInput(f"{path}: {len(data)} bytes; a note has at most {MAX_NOTE_BYTES}.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{path}: not text in UTF-8 (byte {error.start}); save it as UTF-8."
        ) from None
    if not text.strip() or "\0" in text:
        raise InvalidInput(
            f"{path}: {'binary, not a note' if text.strip() else 'the note is empty'}."
        )
    kind = next(
        loinc for beginning, loinc in NOTE_TYPES.items() if path.name.lower().startswith(beginning)
    )
    return Document(name_of(path), "text/plain; charset=utf-8", kind, text.encode())


def read_films(paths: Sequence[Path]) -> "list[pydicom.Dataset]":
    """The films' datasets.

    Raises:
        InvalidInput: names the file that is no DICOM.
        Misconfigured: pydicom is not installed.
    """
    if not paths:
        return []
    try:
        from shared.dicom.study import read_files
    except ImportError as error:
        raise Misconfigured(
            f"{paths[0]} is a film, and {error.name} is not installed: pip install "
            "'careloop[imaging]'"
        ) from None
    for path in paths:
        read_bytes(path)
    return read_files(paths)


def document_reference(document: Document, patient: str) -> Json:
    """The DocumentReference that holds a note or a genome of this patient.

    `Patient/id`. It has no date: when the note was written, or the sample taken, nobody said.
    """
    digest = hashlib.sha256(document.data).hexdigest()[:40]
    attachment = {
        "contentType": document.content_type,
        "data": base64.b64encode(document.data).decode(),
        "title": document.file,
    }
    return {
        "resourceType": "DocumentReference",
        "identifier": [{"system": FILE, "value": f"{patient.split('/')[1]}:{digest}"}],
        "status": "current",
        "type": codes.concept(codes.LOINC, *document.kind),
        "subject": codes.reference(patient),
        "content": [{"attachment": attachment}],
    }


def _is_dicom(path: Path) -> bool:
    """Films often come without an ending; a DICOMDIR is a table of contents."""
    if path.name.upper() == "DICOMDIR":
        return False
    try:
        with path.open("rb") as file:
            return file.read(PREAMBLE + 4)[PREAMBLE:] == b"DICM"
    except OSError:
        return False
