"""`careloop load`: one patient's files into the EHR and the PACS.

Everything by conditional create, so that a second time changes nothing.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from services.load.create import UNSUPPORTED, Loaded, create, create_all, own_key, standing
from services.load.files import (
    Document,
    document_reference,
    name_of,
    read_bytes,
    read_films,
    read_genome,
    read_note,
    sort_files,
)
from services.load.identity import (
    Key,
    has_identifier,
    identified,
    keyed,
    refuse_another,
)
from services.load.resources import (
    Entry,
    check_entry,
    entries_of,
    references,
    with_binaries_inside,
)
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.errors import FhirError, InvalidInput
from shared.json import Json
from shared.references import is_a, local_reference
from shared.settings import Settings
from shared.text.strict_json import loads

if TYPE_CHECKING:
    import pydicom
Tell = Callable[[str], None]
log = logging.getLogger(__name__)
STUDY: Final = "DICOM (ImagingStudy)"


@dataclass(frozen=True)
class Files:
    """All that is to be loaded, read and checked."""

    entries: list[Entry]
    films: "list[pydicom.Dataset]"
    documents: list[Document]


def load_patient(
    source: Path, settings: Settings, ehr: Ehr | None = None, tell: Tell = log.warning
) -> list[Loaded]:
    """Load a Bundle file or a folder.

    All files are read and checked before the first is written.

    Args:
        tell: is told what is left out, and why.

    Raises:
        InvalidInput, Misconfigured: names the file, the resource and what to do. What was written
            before stays, and is known the next time.
        Unavailable: the EHR or the PACS does not answer.
    """
    if ehr is None:
        with open_ehr(settings) as own:
            return load_patient(source, settings, own, tell)
    files = read(source, settings, tell)
    _refuse_dangling(files.entries, ehr)
    _refuse_another_patients(files, ehr)
    if files.films:
        _store(files.films, settings)
    loaded = list(create_all(files.entries, ehr))
    patient = next(item.reference for item in loaded if is_a(item.reference, "Patient"))
    loaded += [
        create("DICOM", study, own_key(study), STUDY, ehr)
        for study in _studies(files.films, patient)
    ]
    loaded += [
        create(d.file, document, own_key(document), d.file, ehr)
        for d in files.documents
        for document in [document_reference(d, patient)]
    ]
    return loaded


def read(source: Path, settings: Settings, tell: Tell) -> Files:
    """Read and check everything; nothing is written.

    Raises InvalidInput and Misconfigured like `load_patient`.
    """
    found, others = sort_files(source)
    for path in others:
        tell(f"left out: {path} (what is loaded ends in .json, .dcm, .vcf, .vcf.gz or .txt)")
    entries = with_binaries_inside(entry for path in found["json"] for entry in _entries(path))
    for entry in entries:
        if not has_identifier(entry.kind):
            tell(
                f"left out: {entry.place} (FHIR gives this type no identifier, so a second load "
                "could not know it again)"
            )
    entries = [entry for entry in entries if has_identifier(entry.kind)]
    for entry in entries:
        check_entry(entry)
    patients = sum(entry.kind == "Patient" for entry in entries)
    if patients != 1:
        raise InvalidInput(
            f"{source}: {patients} Patients in its .json files; exactly one is needed, whose files "
            "these are."
        )
    documents = [read_genome(path, settings) for path in found["vcf"]] + [
        read_note(path) for path in found["txt"]
    ]
    return Files(keyed(entries), read_films(found["dcm"]), documents)


def _entries(path: Path) -> list[Entry]:
    try:
        return entries_of(loads(read_bytes(path)), name_of(path))
    except InvalidInput as error:
        raise InvalidInput(
            error.reason if name_of(path) in error.reason else f"{path}: {error.reason}"
        ) from None


def _refuse_dangling(entries: Sequence[Entry], ehr: Ehr) -> None:
    """Refuse references that lead nowhere, or to another patient."""
    own = {name for entry in entries for name in entry.names}
    known: dict[str, bool] = {}
    for entry in entries:
        for reference in references(entry.resource):
            if (
                reference in own
                or reference.startswith(("#", "http:", "https:"))
                or "?" in reference
            ):
                continue
            if is_a(reference, "Patient"):
                raise InvalidInput(f"{entry.place}: refers to a Patient that is not in the files.")
            if reference not in known:
                known[reference] = (
                    not reference.startswith("urn:") and ehr.read(reference) is not None
                )
            if not known[reference]:
                raise InvalidInput(
                    f"{entry.place}: refers to {reference}, which is neither in the files nor at "
                    "the EHR. Add it, or take the reference out."
                )


def _refuse_another_patients(files: Files, ehr: Ehr) -> None:
    """Refuse an identifier or study of somebody else before anything is written."""
    entry = next(e for e in files.entries if e.kind == "Patient")
    if entry.key is None and any(True for _ in references(entry.resource)):
        return  # its digest hangs on what is not yet written: each is checked when its turn comes
    try:
        patient = _known(*identified(entry.resource, entry.key), entry.place, ehr)
        for study in _studies(files.films, patient or f"Patient/{uuid4()}"):
            _known(study, own_key(study), STUDY, ehr)
    except FhirError as error:
        if error.status not in UNSUPPORTED:
            raise InvalidInput(f"{entry.place}: {error}") from None


def _known(resource: Json, key: Key, place: str, ehr: Ehr) -> str | None:
    """What carries this key at the EHR and is the same; None where nothing carries it."""
    found = standing(resource, key, ehr)
    if found is None:
        return None
    refuse_another(place, resource, key, found)
    return local_reference(found)


def _store(films: "list[pydicom.Dataset]", settings: Settings) -> None:
    """Pixels first, then the ImagingStudy that announces them."""
    from shared.dicom.store import open_pacs

    open_pacs(settings).store(films)


def _studies(films: "list[pydicom.Dataset]", patient: str) -> list[Json]:
    if not films:
        return []
    from shared.dicom.study import imaging_studies

    return imaging_studies(films, patient)
