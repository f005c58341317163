"""`careloop load`: one patient's files into the EHR and the PACS. Everything by conditional create, so that a second time changes nothing."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shared.errors import InvalidInput, Misconfigured
from shared.fhir import codes, instants
from shared.fhir.check import check
from shared.fhir.client import Ehr, open_ehr
from shared.settings import Settings
from shared.strict_json import loads

Json = dict[str, Any]
FILE: Final = f"{codes.NS}/file"  # Identifier: SHA-256 of the file that a DocumentReference holds
RESOURCE: Final = f"{codes.NS}/loaded"  # Identifier of a Bundle's resource that came without one
NOTE_TYPES: Final = {  # beginning of a note's file name -> LOINC document type
    "discharge": ("18842-5", "Discharge summary"),
    "consult": ("11488-4", "Consult note"),
    "progress": ("11506-3", "Progress note"),
    "procedure": ("28570-0", "Procedure note"),
    "": ("34117-2", "History and physical note"),
}
GENOME: Final = ("51969-4", "Genetic analysis report")
WITHOUT_IDENTIFIER: Final = frozenset({"Bundle", "Binary", "Provenance", "AuditEvent", "OperationOutcome", "Parameters"})


@dataclass(frozen=True)
class Loaded:
    """One resource that stands in the EHR now."""

    file: str
    reference: str
    created: bool


def load_patient(source: Path, settings: Settings, ehr: Ehr | None = None) -> list[Loaded]:
    """Load a Bundle file or a folder.

    Raises:
        InvalidInput, Misconfigured: names the file, the resource and what to do; what was loaded before stays, and is known the next time.
    """
    ehr = ehr or open_ehr(settings)
    folder = source if source.is_dir() else source.parent
    files = _files(source)
    loaded = [item for path in files["json"] for item in _bundle(path, ehr)]
    patients = [item.reference for item in loaded if item.reference.startswith("Patient/")]
    if len(patients) != 1:
        raise InvalidInput(f"{source}: {len(patients)} Patients in its .json files; exactly one is needed, whose files these are.")
    [patient] = patients
    loaded += _films(folder, files["dcm"], patient, settings, ehr)
    for path in files["vcf"]:
        loaded.append(_document(path, "text/vcf", GENOME, patient, ehr))
    for path in files["txt"]:
        kind = next(loinc for beginning, loinc in NOTE_TYPES.items() if path.name.lower().startswith(beginning))
        loaded.append(_document(path, "text/plain; charset=utf-8", kind, patient, ehr))
    return loaded


def _files(source: Path) -> Mapping[str, list[Path]]:
    if not source.is_dir():
        if source.suffix != ".json":
            raise InvalidInput(f"{source}: a single file must be a Bundle in .json; put other files into a folder beside their Patient.")
        return {"json": [source], "dcm": [], "vcf": [], "txt": []}
    paths = sorted(p for p in source.rglob("*") if p.is_file())
    kinds = {"json": (".json",), "dcm": (".dcm",), "vcf": (".vcf", ".vcf.gz"), "txt": (".txt",)}
    return {kind: [p for p in paths if p.name.lower().endswith(ends)] for kind, ends in kinds.items()}


def _bundle(path: Path, ehr: Ehr) -> Iterator[Loaded]:
    """Each resource once those that it refers to have their ids."""
    try:
        content = loads(path.read_bytes())
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error.reason}") from None
    if not isinstance(content, dict) or "resourceType" not in content:
        raise InvalidInput(f"{path}: not a FHIR resource (no resourceType).")
    entries = content.get("entry", []) if content["resourceType"] == "Bundle" else [{"resource": content}]
    waiting = [(_names(e), _identified(e["resource"])) for e in entries if isinstance(e, dict) and "resource" in e]
    ids: dict[str, str] = {}
    while waiting:
        own = {name for names, _ in waiting for name in names}
        ready = [(names, r) for names, r in waiting if not own & (set(_references(r)) - set(names))]
        if not ready:
            raise InvalidInput(f"{path}: resources refer to each other in a circle: {', '.join(sorted(r['resourceType'] for _, r in waiting))}.")
        for names, resource in ready:
            item = _create(str(path.name), _pointed(resource, ids), ehr)
            ids |= dict.fromkeys(names, item.reference)
            yield item
        waiting = [pair for pair in waiting if pair not in ready]


def _names(entry: Json) -> tuple[str, ...]:
    resource = entry["resource"]
    own = f"{resource.get('resourceType')}/{resource['id']}" if "id" in resource else None
    return tuple(n for n in (entry.get("fullUrl"), own) if n)


def _identified(resource: Json) -> Json:
    """With an identifier, which conditional create holds on to; the id is the EHR's to give."""
    resource = {k: v for k, v in resource.items() if k not in ("id", "meta")}
    if resource.get("identifier") or resource["resourceType"] in WITHOUT_IDENTIFIER:
        return resource
    value = hashlib.sha256(repr(sorted(resource.items(), key=str)).encode()).hexdigest()[:48]
    return resource | {"identifier": [{"system": RESOURCE, "value": value}]}


def _create(file: str, resource: Json, ehr: Ehr) -> Loaded:
    check(resource)
    identifiers = resource.get("identifier", [])
    first = identifiers[0] if isinstance(identifiers, list) and identifiers else identifiers or None
    query = f"identifier={first['system']}|{first['value']}" if first and "system" in first else None
    written = ehr.create(resource, query)
    return Loaded(file, written.reference, written.created)


def _document(path: Path, content_type: str, kind: tuple[str, str], patient: str, ehr: Ehr) -> Loaded:
    data = path.read_bytes()
    attachment = {"contentType": content_type, "data": base64.b64encode(data).decode(), "title": path.name}
    resource = {
        "resourceType": "DocumentReference",
        "identifier": [{"system": FILE, "value": f"{patient.split('/')[1]}:{hashlib.sha256(data).hexdigest()[:40]}"}],
        "status": "current",
        "type": codes.concept(codes.LOINC, *kind),
        "subject": codes.reference(patient),
        "date": instants.now(),
        "content": [{"attachment": attachment}],
    }
    return _create(path.name, resource, ehr)


def _films(folder: Path, paths: Sequence[Path], patient: str, settings: Settings, ehr: Ehr) -> list[Loaded]:
    """Pixels first, then the ImagingStudy that announces them."""
    if not paths:
        return []
    try:
        from shared.dicom.store import open_pacs
        from shared.dicom.study import imaging_studies, read_files
    except ImportError as error:
        raise Misconfigured(f"{folder} holds films, and {error.name} is not installed: pip install 'careloop[imaging]'") from None
    datasets = read_files(paths)
    open_pacs(settings).store(datasets)
    return [_create("DICOM", study, ehr) for study in imaging_studies(datasets, patient)]


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "reference" and isinstance(value, str):
                yield value
            else:
                yield from _references(value)


def _pointed(node: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_pointed(item, ids) for item in node]
    if isinstance(node, dict):
        return {k: ids.get(v, v) if k == "reference" and isinstance(v, str) else _pointed(v, ids) for k, v in node.items()}
    return node
