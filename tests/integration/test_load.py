"""`careloop load` on EHRs of both habits and on a real one: what stands in the record afterwards,
and what is said when something is wrong.
"""

import gzip
import json
import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pydicom
import pytest

from services.genomics.service import SERVICE as GENOMICS
from services.imaging.service import SERVICE as IMAGING
from services.load.patient import Loaded, load_patient
from services.notes.service import SERVICE as NOTES
from shared.dicom.store import open_pacs
from shared.ehr.client import Ehr, open_ehr
from shared.errors import CareloopError, InvalidInput
from shared.fhir.summary import event_of
from shared.json import Json
from shared.settings import Settings
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.peers import sekmet

EXAMPLE = Path(__file__).parents[2] / "examples" / "patient"
FILM = Path(str(files("data_store") / "data" / "RG1_UNCR.dcm"))
PATIENT: Json = {"resourceType": "Patient", "id": "p", "gender": "female"}
VCF = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


@pytest.fixture(scope="module", params=["fake-sekmet", "fake-hapi", "sekmet"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sekmet":
        with sekmet(tmp_path_factory.mktemp("sekmet")) as peer:
            yield peer.base
    else:
        with FakeEhr(SEKMET if request.param == "fake-sekmet" else HAPI) as fake:
            yield fake.base


@pytest.fixture
def settings(base: str, tmp_path: Path) -> Settings:
    return Settings(fhir_url=base, state_dir=tmp_path / "state")


@pytest.fixture
def ehr(settings: Settings) -> Iterator[Ehr]:
    client = open_ehr(settings)
    yield client
    client.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "patient"
    made.mkdir()
    return made


def bundle(*resources: Json, kind: str = "collection", urls: tuple[str, ...] = ()) -> str:
    entries: list[Json] = [{"resource": r} for r in resources]
    for entry, url in zip(entries, urls, strict=False):
        entry["fullUrl"] = url
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries})


def unique(folder: Path) -> Json:
    """A patient of this test alone."""
    return PATIENT | {"identifier": [{"system": "urn:test:mrn", "value": str(abs(hash(folder)))}]}


def test_a_file_name_that_is_no_utf_8_is_loaded_under_a_readable_one(
    ehr: Ehr, settings: Settings, folder: Path
) -> None:
    for name, content in (
        (b"p\xff.json", json.dumps(unique(folder))),
        (b"g\xff.vcf", VCF),
        (b"n\xff.txt", "No fever."),
        (b"x\xff.pdf", ""),
    ):
        (folder / os.fsdecode(name)).write_text(content)
    loaded = load_patient(folder, settings, ehr, tell=lambda _: None)
    assert sorted(found.file for found in loaded) == ["g\ufffd.vcf", "n\ufffd.txt", "p\ufffd.json"]
    titles = {
        d["content"][0]["attachment"]["title"]
        for found in loaded
        if "Document" in found.reference and (d := ehr.read(found.reference))
    }
    assert titles == {"g\ufffd.vcf", "n\ufffd.txt"}


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


def test_a_folder_of_everything_stands_in_the_record_and_each_service_accepts_its_part(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    for path in EXAMPLE.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "film.dcm").write_bytes(FILM.read_bytes())
    (folder / "genome2.vcf.gz").write_bytes(gzip.compress((EXAMPLE / "genome.vcf").read_bytes()))
    loaded = twice(folder, settings, ehr)
    accepted = {
        item.file: [
            s.name
            for s in (IMAGING, GENOMICS, NOTES)
            if s.accepts(event_of(read(ehr, item.reference), "create"))
        ]
        for item in loaded
    }
    assert {name: names for name, names in accepted.items() if names} == {
        "DICOM": ["imaging"],
        "genome.vcf": ["genomics"],
        "genome2.vcf.gz": ["genomics"],
        "note.txt": ["notes"],
    }
    patient = loaded[0].reference
    subjects = {
        (r.get("subject") or r.get("patient"))["reference"]
        for item in loaded[1:]
        if (r := read(ehr, item.reference))
    }
    assert subjects == {patient}
    genomes = [item.reference for item in loaded if "genome" in item.file]
    contents = []
    for reference in genomes:
        inputs = GENOMICS.gather(event_of(read(ehr, reference), "create"), ehr, settings)
        assert inputs is not None
        contents.append(inputs.content)
    assert contents[0] == contents[1], "compressed or not, it is the same genome"
    assert "(1 stud" in open_pacs(settings).describe()


def test_references_among_resources_are_followed_in_any_order(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    observation = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"text": "weight"},
        "subject": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"},
        "encounter": {"reference": "Encounter/e"},
    }
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p/_history/3"},
    }
    urls = (
        "http://elsewhere.example/fhir/Observation/o",
        "http://elsewhere.example/fhir/Encounter/e",
        "urn:uuid:11111111-1111-4111-8111-111111111111",
    )
    (folder / "b.json").write_text(
        bundle(observation, encounter, unique(folder), kind="transaction", urls=urls)
    )
    loaded = {
        item.reference.split("/")[0]: item.reference
        for item in twice(folder / "b.json", settings, ehr)
    }
    stands = read(ehr, loaded["Observation"])
    assert stands["subject"]["reference"] == loaded["Patient"]
    assert stands["encounter"]["reference"] == loaded["Encounter"]
    assert read(ehr, loaded["Encounter"])["subject"]["reference"] == loaded["Patient"]


def test_references_between_files_are_followed(folder: Path, settings: Settings, ehr: Ehr) -> None:
    (folder / "a.json").write_text(
        json.dumps(
            {
                "resourceType": "Condition",
                "id": "c",
                "code": {"text": "cough"},
                "subject": {"reference": "Patient/p"},
            }
        )
    )
    (folder / "b.json").write_text(json.dumps(unique(folder)))
    patient, condition = twice(folder, settings, ehr)
    assert read(ehr, condition.reference)["subject"]["reference"] == patient.reference


def test_a_circle_is_made_in_one_step_and_known_afterwards(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p"},
    }
    encounter["diagnosis"] = [{"condition": {"reference": "Condition/c"}}]
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "code": {"text": "cough"},
        "subject": {"reference": "Patient/p"},
    }
    condition["encounter"] = {"reference": "Encounter/e"}
    follows = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "t"},
        "subject": {"reference": "Patient/p"},
    }
    follows["encounter"] = {"reference": "Encounter/e"}
    (folder / "b.json").write_text(bundle(follows, encounter, condition, unique(folder)))
    loaded = {item.reference.split("/")[0]: item.reference for item in twice(folder, settings, ehr)}
    assert (
        read(ehr, loaded["Encounter"])["diagnosis"][0]["condition"]["reference"]
        == loaded["Condition"]
    )
    assert read(ehr, loaded["Condition"])["encounter"]["reference"] == loaded["Encounter"]
    assert read(ehr, loaded["Observation"])["encounter"]["reference"] == loaded["Encounter"]


def test_types_that_an_ehr_cannot_search_by_identifier_are_known_the_second_time_all_the_same(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    goal = {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "walk"},
        "subject": {"reference": "Patient/p"},
    }
    risk = {
        "resourceType": "RiskAssessment",
        "status": "final",
        "subject": {"reference": "Patient/p"},
    }
    letter = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"text": "letter"},
        "title": "letter",
        "date": "2026-01-01",
    }
    letter |= {
        "subject": {"reference": "Patient/p"},
        "author": [{"reference": "Patient/p"}],
    }  # its identifier is one object, not a list
    (folder / "b.json").write_text(bundle(unique(folder), goal, risk, letter))
    assert len(twice(folder, settings, ehr)) == 4


def test_what_two_patients_have_alike_stays_two(folder: Path, settings: Settings, ehr: Ehr) -> None:
    made = []
    for n in range(2):
        patient = PATIENT | {
            "identifier": [{"system": "urn:test:mrn", "value": f"{abs(hash(folder))}-{n}"}]
        }
        condition = {
            "resourceType": "Condition",
            "code": {"text": "cough"},
            "subject": {"reference": "Patient/p"},
        }
        (folder / f"{n}.json").write_text(bundle(patient, condition))
        made.append(load_patient(folder / f"{n}.json", settings, ehr)[1])
    assert made[0].reference != made[1].reference


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


def test_a_dummy_number_that_two_patients_share_keeps_them_two(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    made = []
    for name, born in (("a", "1940-01-01"), ("b", "1950-01-01")):
        (folder / name).mkdir()
        (folder / name / "p.json").write_text(json.dumps(person(folder, name, birthDate=born)))
        (folder / name / "note.txt").write_text(f"Note of {name}.")
        made.append(twice(folder / name, settings, ehr))
    (patient_a, note_a), (patient_b, note_b) = made
    assert patient_a.reference != patient_b.reference
    assert [read(ehr, n.reference)["subject"]["reference"] for n in (note_a, note_b)] == [
        patient_a.reference,
        patient_b.reference,
    ]


OTHERS: dict[str, tuple[Json, str]] = {
    "date of birth": ({"birthDate": "1950-01-01"}, "another date of birth"),
    "record number": (
        {"identifier": [{"system": "urn:test:mrn", "value": "other"}]},
        "another identifier of the system urn:test:mrn",
    ),
}


@pytest.mark.parametrize("story", OTHERS)
def test_another_person_under_the_same_identifier_is_refused_before_anything_is_written(
    story: str, folder: Path, settings: Settings, ehr: Ehr
) -> None:
    shared = {"system": "urn:test:insurance", "value": str(abs(hash(folder)))}
    mine = {
        "birthDate": "1940-01-01",
        "identifier": [shared, {"system": "urn:test:mrn", "value": "mine"}],
    }
    (folder / "p.json").write_text(json.dumps(PATIENT | mine))
    [patient] = twice(folder, settings, ehr)
    changed, says = OTHERS[story]
    identifiers = [shared, *changed.get("identifier", [])]
    (folder / "p.json").write_text(
        json.dumps(PATIENT | mine | changed | {"identifier": identifiers})
    )
    (folder / "note.txt").write_text("Note of another.")
    (folder / "film.dcm").write_bytes(FILM.read_bytes())
    message = refused(folder, settings, ehr)
    assert [
        part for part in ("p.json (Patient)", "urn:test:insurance", says) if part not in message
    ] == [], message
    assert [
        part
        for part in (shared["value"], "1950", "other", "mine")
        if part in message.replace("another", "")
    ] == []
    assert list(ehr.search("DocumentReference", {}, subject=patient.reference)) == []
    assert "(0 stud" in open_pacs(settings).describe()


def test_a_date_of_birth_that_says_less_is_no_other(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    made = []
    for born in ({"birthDate": "1940-03-05"}, {"birthDate": "1940"}, {}):
        (folder / "p.json").write_text(json.dumps(person(folder, "a", **born)))
        made += load_patient(folder, settings, ehr)
    assert [item.created for item in made] == [True, False, False]


def test_what_shares_its_only_identifier_is_refused_and_never_dropped(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    accession = {"system": ACCESSION, "value": f"Canary{abs(hash(folder))}"}
    (folder / "b.json").write_text(
        bundle(unique(folder), *(observation(code, accession) for code in ("sodium", "potassium")))
    )
    message = refused(folder, settings, ehr)
    assert [
        part
        for part in ("b.json, entry 2 (Observation)", "b.json, entry 3 (Observation)", ACCESSION)
        if part not in message
    ] == [], message
    assert "Canary" not in message


def test_an_identifier_of_its_own_beside_a_shared_one_tells_two_results_apart(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    accession = {"system": ACCESSION, "value": str(abs(hash(folder)))}
    results = [
        observation(
            code, accession, {"system": "urn:test:result", "value": f"{abs(hash(folder))}-{code}"}
        )
        for code in ("sodium", "potassium")
    ]
    (folder / "b.json").write_text(
        bundle(unique(folder), *results, results[0])
    )  # one of them twice: pages of an export overlap
    _, *loaded = load_patient(folder, settings, ehr)
    assert [read(ehr, item.reference)["code"]["text"] for item in loaded] == [
        "sodium",
        "potassium",
        "sodium",
    ]
    assert [item.created for item in loaded] == [True, True, False]
    assert not any(item.created for item in load_patient(folder, settings, ehr))


@pytest.mark.parametrize(
    "story", [("b", "sodium", "about another patient"), ("a", "potassium", "has another code")]
)
def test_a_result_that_another_ones_identifier_would_hide_is_refused(
    story: tuple[str, str, str], folder: Path, settings: Settings, ehr: Ehr
) -> None:
    name, code, says = story
    accession = {"system": ACCESSION, "value": str(abs(hash(folder)))}
    (folder / "b.json").write_text(bundle(person(folder, "a"), observation("sodium", accession)))
    twice(folder, settings, ehr)
    (folder / "b.json").write_text(bundle(person(folder, name), observation(code, accession)))
    with pytest.raises(InvalidInput) as caught:
        load_patient(folder, settings, ehr)
    assert [
        part
        for part in ("b.json, entry 2 (Observation)", ACCESSION, says)
        if part not in str(caught.value)
    ] == [], caught.value
    assert accession["value"] not in str(caught.value)


def test_a_study_of_another_patient_is_refused_before_anything_is_written(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    film = pydicom.dcmread(FILM)
    film.StudyInstanceUID = f"2.25.{abs(hash(folder))}"
    film.save_as(folder / "film.dcm")
    (folder / "p.json").write_text(json.dumps(person(folder, "a")))
    twice(folder, settings, ehr)
    (folder / "p.json").write_text(json.dumps(person(folder, "b")))
    message = refused(folder, settings, ehr)
    assert "ImagingStudy" in message and "another patient" in message
    assert film.StudyInstanceUID not in message


def test_odd_identifiers_never_reach_a_query(folder: Path, settings: Settings, ehr: Ehr) -> None:
    marks = [{"value": "17"}, {"system": "urn:test:mrn", "value": f"A&B|C, {folder}"}]
    (folder / "b.json").write_text(json.dumps(PATIENT | {"identifier": marks}))
    [patient] = twice(folder, settings, ehr)
    assert read(ehr, patient.reference)["identifier"][:2] == marks


def test_a_binary_travels_inside_its_document(folder: Path, settings: Settings, ehr: Ehr) -> None:
    binary = {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": "aGVsbG8="}
    note = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": "Patient/p"},
    }
    note["content"] = [{"attachment": {"contentType": "text/plain", "url": "Binary/b"}}]
    (folder / "b.json").write_text(bundle(unique(folder), binary, note))
    document = read(ehr, twice(folder, settings, ehr)[1].reference)
    assert ehr.attachment(document["content"][0]["attachment"], 100) == b"hello"


def test_what_cannot_be_known_again_is_left_out_and_said(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": "Patient/p"}],
        "recorded": "2026-01-01T00:00:00Z",
        "agent": [{}],
    }
    (folder / "b.json").write_text(bundle(unique(folder), provenance))
    (folder / "scan.pdf").write_bytes(b"%PDF")
    told: list[str] = []
    assert len(load_patient(folder, settings, ehr, told.append)) == 1
    assert ["scan.pdf" in told[0], "Provenance" in told[1], len(told)] == [True, True, 2]


def test_films_of_several_studies_are_announced_one_by_one_and_need_no_file_ending(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    (folder / "b.json").write_text(json.dumps(unique(folder)))
    for n in range(3):
        film = pydicom.dcmread(FILM)
        film.StudyInstanceUID = f"2.25.{abs(hash(folder))}{n % 2}"
        film.SeriesInstanceUID = film.StudyInstanceUID + f".{n}"
        film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = (
            film.StudyInstanceUID + f".{n}.1"
        )
        film.save_as(folder / f"IM{n}")
    _, *studies = twice(folder, settings, ehr)
    assert sorted(read(ehr, s.reference)["numberOfInstances"] for s in studies) == [1, 2]


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


@pytest.mark.parametrize("story", BROKEN)
def test_what_is_wrong_is_named_and_nothing_is_written(
    story: str, folder: Path, settings: Settings, ehr: Ehr
) -> None:
    contents, said = BROKEN[story]
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    message = refused(folder, settings.model_copy(update={"genomics_max_vcf_bytes": 1000}), ehr)
    assert [part for part in said if part not in message] == [], message
    assert "Canary" not in message


def test_an_unreadable_file_is_named(folder: Path, settings: Settings, ehr: Ehr) -> None:
    (folder / "b.json").write_text(json.dumps(PATIENT))
    (folder / "n.txt").symlink_to(folder / "gone.txt")
    assert "n.txt: can't be read" in refused(folder, settings, ehr)


def test_a_single_file_that_is_no_json_is_refused(
    folder: Path, settings: Settings, ehr: Ehr
) -> None:
    (folder / "n.txt").write_text("cough")
    with pytest.raises(InvalidInput, match="must be a Bundle in"):
        load_patient(folder / "n.txt", settings, ehr)
