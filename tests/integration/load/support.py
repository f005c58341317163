"""What the tests of load share."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from services.load.patient import Loaded, load_patient
from shared.ehr.client import Ehr
from shared.errors import CareloopError
from shared.json import Json
from shared.settings import Settings

EXAMPLE = Path(__file__).parents[3] / "examples" / "patient"


FILM = Path(str(files("data_store") / "data" / "RG1_UNCR.dcm"))


PATIENT: Json = {"resourceType": "Patient", "id": "p", "gender": "female"}


VCF = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def bundle(*resources: Json, kind: str = "collection", urls: tuple[str, ...] = ()) -> str:
    entries: list[Json] = [{"resource": r} for r in resources]
    for entry, url in zip(entries, urls, strict=False):
        entry["fullUrl"] = url
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries})


def unique(folder: Path) -> Json:
    """A patient of this test alone."""
    return PATIENT | {"identifier": [{"system": "urn:test:mrn", "value": str(abs(hash(folder)))}]}


def twice(source: Path, settings: Settings, ehr: Ehr) -> list[Loaded]:
    """Load, load again: nothing new, and not a single new version."""
    first = load_patient(source, settings, ehr)
    versions = {item.reference: read(ehr, item.reference)["meta"]["versionId"] for item in first}
    again = load_patient(source, settings, ehr)
    assert [(item.file, item.reference) for item in again] == [
        (item.file, item.reference) for item in first
    ]
    assert not any(item.created for item in again)
    assert {
        item.reference: read(ehr, item.reference)["meta"]["versionId"] for item in again
    } == versions
    return first


def read(ehr: Ehr, reference: str) -> Json:
    found = ehr.read(reference)
    assert found is not None
    return found


def refused(source: Path, settings: Settings, ehr: Ehr) -> str:
    """The message; and that nothing was written."""
    before = [p["id"] for p in ehr.search("Patient", {})]
    with pytest.raises(CareloopError) as caught:
        load_patient(source, settings, ehr)
    assert [p["id"] for p in ehr.search("Patient", {})] == before
    return str(caught.value)


SSN: Json = {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-99-9999"}


ACCESSION = "urn:test:accession"


def observation(code: str, *identifiers: Json) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "identifier": list(identifiers),
        "code": {"text": code},
        "subject": {"reference": "Patient/p"},
    }


def person(folder: Path, name: str, **elements: Any) -> Json:
    """One of several patients of a test, each with the dummy social security number first."""
    return (
        PATIENT
        | {"identifier": [SSN, {"system": "urn:test:mrn", "value": f"{abs(hash(folder))}-{name}"}]}
        | elements
    )


OTHERS: dict[str, tuple[Json, str]] = {
    "date of birth": ({"birthDate": "1950-01-01"}, "another date of birth"),
    "record number": (
        {"identifier": [{"system": "urn:test:mrn", "value": "other"}]},
        "another identifier of the system urn:test:mrn",
    ),
}


BROKEN: dict[str, tuple[dict[str, bytes], list[str]]] = {
    "no patient": ({"note.txt": b"cough"}, ["0 Patients", "exactly one"]),
    "two patients": ({"b.json": bundle(PATIENT, PATIENT | {"id": "q"}).encode()}, ["2 Patients"]),
    "bad JSON": (
        {"b.json": b'{"resourceType": "Patient",\n"gender" "female"}'},
        ["b.json", "line 2"],
    ),
    "the same key twice": (
        {"b.json": b'{"resourceType": "Patient", "gender": "male", "gender": "female"}'},
        ["b.json", "same key twice"],
    ),
    "JSON, not FHIR": ({"b.json": b'{"name": "Canary"}'}, ["b.json", "no resourceType"]),
    "a list": ({"b.json": b"[]"}, ["b.json", "no resourceType"]),
    "unknown type": ({"b.json": b'{"resourceType": "Pacient"}'}, ["b.json", "R4 has no resource"]),
    "an entry that is none": (
        {"b.json": b'{"resourceType": "Bundle", "entry": ["x"]}'},
        ["b.json, entry 1"],
    ),
    "entries that are none": (
        {"b.json": b'{"resourceType": "Bundle", "entry": {"resource": 1}}'},
        ["b.json", "not a list"],
    ),
    "breaks R4": (
        {"b.json": b'{"resourceType": "Patient", "gender": "Canary"}'},
        ["b.json", "Patient.gender"],
    ),
    "leads nowhere": (
        {
            "b.json": bundle(
                PATIENT | {"managingOrganization": {"reference": "Organization/x"}}
            ).encode()
        },
        ["b.json, entry 1", "Organization/x"],
    ),
    "another patient": (
        {
            "b.json": bundle(
                PATIENT, {"resourceType": "Condition", "subject": {"reference": "Patient/17"}}
            ).encode()
        },
        ["b.json, entry 2 (Condition)", "not in the files"],
    ),
    "no entry of this name": (
        {
            "b.json": bundle(
                PATIENT, {"resourceType": "Condition", "subject": {"reference": "urn:uuid:1"}}
            ).encode()
        },
        ["b.json, entry 2 (Condition)", "neither in the files"],
    ),
    "empty note": ({"b.json": json.dumps(PATIENT).encode(), "n.txt": b" \n"}, ["n.txt", "empty"]),
    "binary note": (
        {"b.json": json.dumps(PATIENT).encode(), "n.txt": b"\x89PNG\xff"},
        ["n.txt", "UTF-8"],
    ),
    "binary note of small bytes": (
        {"b.json": json.dumps(PATIENT).encode(), "n.txt": b"a\0b"},
        ["n.txt", "binary"],
    ),
    "huge note": (
        {"b.json": json.dumps(PATIENT).encode(), "n.txt": b"cough " * 100_000},
        ["n.txt", "600000 bytes"],
    ),
    "no genome": (
        {"b.json": json.dumps(PATIENT).encode(), "g.vcf": b"Canary"},
        ["g.vcf", "not a VCF"],
    ),
    "huge genome": (
        {"b.json": json.dumps(PATIENT).encode(), "g.vcf": VCF.encode() + b"x" * 2000},
        ["g.vcf", "CARELOOP_GENOMICS_MAX_VCF_BYTES"],
    ),
    "no DICOM": ({"b.json": json.dumps(PATIENT).encode(), "f.dcm": b"Canary"}, ["f.dcm"]),
    "half a DICOM": (
        {"b.json": json.dumps(PATIENT).encode(), "f.dcm": FILM.read_bytes()[:400]},
        ["f.dcm"],
    ),
}
