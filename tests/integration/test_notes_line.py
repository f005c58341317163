"""A note on its way through the line, read back from the EHR: found, unchanged, replaced,
withdrawn, refused; and valid for HL7's validator.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.notes.model import NotesModel, load
from services.notes.service import SERVICE
from shared.answers import Answer, Head
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.fhir import codes, lifecycle
from shared.fhir.summary import event_of
from shared.fhir.times.clinical import clinical_time
from shared.json import Json
from shared.runtime.line import Case, Line, at_ehr
from shared.settings import Settings
from tests.fakes import HAPI, FakeEhr
from tests.hl7 import Validate, collection

NOTE = (Path(__file__).parents[2] / "examples" / "patient" / "note.txt").read_bytes()


@pytest.fixture(scope="module")
def model() -> NotesModel:
    return load(Settings())


@pytest.fixture
def line(model: NotesModel, tmp_path: Path) -> Iterator[Line]:
    with FakeEhr(HAPI) as fake:
        settings = Settings(fhir_url=fake.base, state_dir=tmp_path)
        ehr = open_ehr(settings)
        yield Line(SERVICE, ehr, model, settings, at_ehr(ehr))
        ehr.close()


def document(
    ehr: Ehr, raw: bytes, content_type: str = "text/plain; charset=utf-8", **elements: Any
) -> Json:
    patient = ehr.create(
        {"resourceType": "Patient", "gender": "female", "birthDate": "1940"}
    ).reference
    attachment = {"contentType": content_type, "data": base64.b64encode(raw).decode()}
    resource = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": codes.concept(codes.LOINC, "34117-2"),
        "subject": {"reference": patient},
        "content": [{"attachment": attachment}],
    }
    return stored(ehr, ehr.create(resource | elements).reference)


def stored(ehr: Ehr, reference: str) -> Json:
    resource = ehr.read(reference)
    assert resource is not None
    return resource


def run(line: Line, resource: Json) -> str:
    event = event_of(resource, "update")
    assert SERVICE.accepts(event)
    taken = line.take(event, only_deletes=False)
    if not isinstance(taken, Case):
        return taken
    [findings] = SERVICE.analyze([taken.inputs], line.model)
    return line.put(taken, findings)


def head(line: Line, resource: Json) -> Head:
    found = line.ehr.head(Answer("notes", f"DocumentReference/{resource['id']}"))
    assert found is not None
    return found


def outputs(line: Line, resource: Json) -> dict[str, Json]:
    return {
        key: stored(line.ehr, reference) for key, reference in head(line, resource).outputs.items()
    }


def test_the_demo_note_becomes_a_report_that_hl7_accepts(line: Line, hl7_errors: Validate) -> None:
    note = document(line.ehr, NOTE, context={"period": {"end": "2026-01-05"}})
    assert run(line, note) == "result"
    found = outputs(line, note)
    assert {clinical_time(r) for r in found.values()} == {"2026-01-05"}
    drugs = {
        codes.first_code(r["valueCodeableConcept"], codes.RXNORM)
        for r in found.values()
        if codes.has_code(r.get("code"), codes.LOINC, "10160-0")
    }
    assert drugs == {"32968", "1191", "7646", "36567", "29046"}
    problems = {
        codes.first_code(r["code"], codes.SNOMED)
        for r in found.values()
        if r["resourceType"] == "Condition"
    }
    assert {"38341003", "53741008", "55822004"} <= problems
    assert not {"29857009", "363406005", "233604007"} & problems
    assert found["report"]["status"] == "preliminary"
    assert (
        hl7_errors(
            collection([note, stored(line.ehr, note["subject"]["reference"]), *found.values()])
        )
        == []
    )
    text = NOTE.decode()
    for evidence in (e for r in found.values() for e in r.get("evidence", [])):
        quoted, place = evidence["extension"]
        parts = {p["url"]: p.get("valueInteger") for p in place["extension"]}
        assert text[parts["start"] : parts["end"]] == quoted["valueString"]


def test_the_same_note_again_changes_nothing_and_a_new_text_does(line: Line) -> None:
    note = document(line.ehr, NOTE)
    run(line, note)
    before = head(line, note).version
    assert run(line, note) == "unchanged"
    assert head(line, note).version == before
    content = [
        {
            "attachment": {
                "contentType": "text/plain",
                "data": base64.b64encode(b"She has gout.").decode(),
            }
        }
    ]
    line.ehr.update(note | {"content": content}, note["meta"]["versionId"])
    assert run(line, stored(line.ehr, f"DocumentReference/{note['id']}")) == "result"
    assert "report" in outputs(line, note)
    assert codes.has_code(outputs(line, note)["problem-90560007"]["code"], codes.SNOMED, "90560007")


def test_a_note_that_another_replaces_is_retracted_whatever_its_own_status(line: Line) -> None:
    old = document(line.ehr, NOTE)
    run(line, old)
    drafts = [
        f"{r['resourceType']}/{r['id']}"
        for r in outputs(line, old).values()
        if r["resourceType"] in ("Condition", "DiagnosticReport")
    ]
    replacing = [{"code": "replaces", "target": {"reference": f"DocumentReference/{old['id']}"}}]
    new = document(line.ehr, NOTE, subject=old["subject"], relatesTo=replacing)
    assert run(line, new) == "result"
    assert run(line, stored(line.ehr, f"DocumentReference/{old['id']}")) == "withdrawn"
    assert (head(line, old).outcome, head(line, new).outcome) == ("cancelled", "requested")
    taken_back = [stored(line.ehr, reference) for reference in drafts]
    assert any(r["resourceType"] == "Condition" for r in taken_back)
    assert all(
        lifecycle.status_of(r) in ("refuted", "entered-in-error", "cancelled") for r in taken_back
    )


@pytest.mark.parametrize("status", ["superseded", "entered-in-error"])
def test_a_note_that_no_longer_holds_is_retracted(line: Line, status: str) -> None:
    note = document(line.ehr, NOTE)
    run(line, note)
    line.ehr.update(note | {"status": status}, note["meta"]["versionId"])
    assert run(line, stored(line.ehr, f"DocumentReference/{note['id']}")) == "withdrawn"
    assert head(line, note).outcome == "cancelled"


@pytest.mark.parametrize(
    ("raw", "elements", "reason"),
    [
        (
            b"Die Patientin wurde wegen Husten und Fieber aufgenommen, keine Brustschmerzen, kein "
            b"Durchfall.",
            {},
            "The note is not in English.",
        ),
        (b" \n", {}, "The note holds no text."),
        (b"fever \x00\x01", {}, "The attachment holds control characters: it is not a text."),
    ],
)
def test_what_cannot_be_read_is_not_analysed_and_says_why(
    line: Line, raw: bytes, elements: Json, reason: str
) -> None:
    note = document(line.ehr, raw, **elements)
    assert run(line, note) == "not_analysed"
    assert head(line, note).task["statusReason"]["text"] == reason


def test_html_and_a_binary_are_read(line: Line) -> None:
    html = document(line.ehr, b"<p>She has <b>gout</b></p>", "text/html")
    assert run(line, html) == "result"
    assert "problem-90560007" in outputs(line, html)
    binary = line.ehr.create(
        {
            "resourceType": "Binary",
            "contentType": "text/plain",
            "data": base64.b64encode(b"She has gout.").decode(),
        }
    ).reference
    note = document(
        line.ehr, b"", content=[{"attachment": {"contentType": "text/plain", "url": binary}}]
    )
    assert run(line, note) == "result"
    assert "problem-90560007" in outputs(line, note)
