"""Documents of any kind on their way through the notes service: each one of a patient ends in a
result or in a reason that people can read; others' stay away without a trace.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from services.notes.service import SERVICE
from shared.answers import Answer
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.fhir import codes
from shared.fhir.summary import event_of
from shared.fhir.urgency.acknowledgement import URGENT
from shared.json import Json
from shared.runtime.devices import card_document
from shared.runtime.line import Case, Line, at_ehr
from shared.service import ModelCard
from shared.settings import Settings
from tests.ehrs import EHRS, running
from tests.hl7 import Validate, collection
from tests.unit.notes_reading.support import ListsOnly
from tests.unit.text_doors.support import pdf

CARD = ModelCard("lists", "Lists", "1", "sha256:1", "# Lists")
DISCHARGE = codes.concept(codes.LOINC, "18842-5")
GOUT = "problem-90560007"


@dataclass(frozen=True)
class Lists:
    """Word lists alone: what is read is told by what they find."""

    card: ModelCard = CARD
    entities = ListsOnly.entities


@pytest.fixture(scope="module", params=EHRS)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(request.param, tmp_path_factory) as place:
        yield place


@pytest.fixture
def line(base: str) -> Iterator[Line]:
    settings = Settings(fhir_url=base)
    with open_ehr(settings) as ehr:
        yield Line(SERVICE, ehr, Lists(), settings, at_ehr(ehr))


def attachment(raw: bytes, content_type: str = "text/plain", **elements: Any) -> Json:
    data = base64.b64encode(raw).decode()
    return {"attachment": {"contentType": content_type, "data": data} | elements}


def document(ehr: Ehr, *content: Json, **elements: Any) -> Json:
    patient = ehr.create({"resourceType": "Patient", "gender": "female"}).reference
    resource = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": DISCHARGE,
        "subject": {"reference": patient},
        "content": list(content),
    }
    kept = {k: v for k, v in (resource | elements).items() if v is not None}
    return read(ehr, ehr.create(kept).reference)


def read(ehr: Ehr, reference: str) -> Json:
    found = ehr.read(reference)
    assert found is not None
    return found


def run(line: Line, resource: Json) -> str:
    event = event_of(resource, "update")
    if not SERVICE.accepts(event):
        return "not accepted"
    taken = line.take(event, only_deletes=False)
    if not isinstance(taken, Case):
        return taken
    [findings] = SERVICE.analyze([taken.inputs], line.model)
    return line.put(taken, findings)


def task(line: Line, resource: Json) -> Json | None:
    found = line.ehr.head(Answer("notes", f"DocumentReference/{resource['id']}"))
    return dict(found.task) if found else None


def outputs(line: Line, resource: Json) -> dict[str, Json]:
    head = line.ehr.head(Answer("notes", f"DocumentReference/{resource['id']}"))
    assert head is not None
    return {key: read(line.ehr, reference) for key, reference in head.outputs.items()}


@pytest.mark.parametrize(
    "content",
    [
        attachment(rb"{\rtf1\ansi She has {\b go}ut.}"),
        attachment(pdf([[(72, 700, "She has gout.")]]), "application/pdf"),
        attachment(b"<p>She has go<b>ut</b>.</p>", "application/octet-stream"),
        attachment(
            b"<ClinicalDocument><section><title>Problems</title><text>gout</text></section>"
            b"</ClinicalDocument>",
            "application/xml",
        ),
        attachment("The patient’s gout.".encode("cp1252"), "text/plain; charset=iso-8859-1"),
        attachment(b"She has\0 gout, and this is said in full.\x0c"),
    ],
    ids=["RTF", "PDF", "HTML", "C-CDA", "windows-1252", "NUL"],
)
def test_every_format_is_read(line: Line, content: Json) -> None:
    note = document(line.ehr, content)
    assert run(line, note) == "result"
    assert GOUT in outputs(line, note)


@pytest.mark.parametrize(
    ("content", "elements", "reason"),
    [
        (
            [attachment(b"gout")],
            {"type": codes.concept(codes.LOINC, "18748-4")},
            "Documents of this type are not read as notes (LOINC 18748-4).",
        ),
        (
            [attachment(b"gout")],
            {"type": {"coding": [{"system": "urn:local", "code": "Zebediah"}]}},
            "Documents of this type are not read as notes.",
        ),
        (
            [attachment(pdf([[]]), "application/pdf")],
            {},
            "The PDF has no text layer. It is a scan.",
        ),
        (
            [attachment(b"\xff\xd8\xff\xe0 0123456789", "image/jpeg")],
            {"type": None},
            "The attachment is a picture (JPEG): it holds no text that can be read.",
        ),
        (
            [attachment(b"PK\x03\x04 0123456789", "application/msword"), attachment(b" ")],
            {},
            "Attachment 1 (application/msword): The attachment is a Word document or another "
            "archive (ZIP): it holds no text that can be read. Attachment 2 (text/plain): The note "
            "holds no text.",
        ),
        (
            [{"attachment": {"contentType": "text/plain", "title": "empty"}}],
            {},
            "The attachment has neither data nor a URL.",
        ),
    ],
)
def test_what_is_not_read_says_why_and_is_not_urgent(
    line: Line, content: list[Json], elements: Json, reason: str
) -> None:
    note = document(line.ehr, *content, **elements)
    assert run(line, note) == "not_analysed"
    head = task(line, note)
    assert head and head["statusReason"]["text"] == reason
    assert head["status"] == "rejected" and head.get("priority") not in URGENT


@pytest.mark.parametrize(
    "elements",
    [
        {"type": None},
        {"type": codes.concept(codes.LOINC, "34133-9")},
        {
            "type": {"text": "Progress note"},
            "category": [
                codes.concept(
                    "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
                    "clinical-note",
                )
            ],
        },
    ],
)
def test_a_note_without_a_type_of_loinc_is_read_as_a_note(line: Line, elements: Json) -> None:
    note = document(line.ehr, attachment(b"She has gout."), **elements)
    assert run(line, note) == "result"
    assert GOUT in outputs(line, note)


def test_all_attachments_are_read_in_order_and_the_rest_is_said(
    line: Line, hl7_errors: Validate
) -> None:
    html = "<p>She has go<b>ut</b>; <s>takes aspirin 81 mg</s></p>"
    note = document(
        line.ehr,
        attachment(b"She has asthma."),
        attachment(pdf([[]]), "application/pdf"),
        attachment(html.encode(), "text/html"),
        attachment(b"<p>She has\n<i>asthma</i>.</p>", "text/html"),
    )
    assert run(line, note) == "result"
    found = outputs(line, note)
    assert {GOUT, "problem-195967001", "report"} <= set(found)
    assert found["report"]["conclusion"].startswith(
        "Not read: Attachment 2 (application/pdf): The PDF has no text layer. It is a scan. "
        "Problems:"
    )
    quoted, place = found[GOUT]["evidence"][0]["extension"]
    parts = {p["url"]: p.get("valueInteger") for p in place["extension"]}
    assert quoted["valueString"] == "gout"
    assert parts["attachment"] == 2
    assert html[parts["start"] : parts["end"]] == "go<b>ut"
    assert len(found["problem-195967001"]["evidence"]) == 1
    patient = read(line.ehr, note["subject"]["reference"])
    assert hl7_errors(collection([note, patient, *found.values()])) == []


def test_a_scan_that_gets_a_text_layer_is_read_then(line: Line) -> None:
    note = document(line.ehr, attachment(pdf([[]]), "application/pdf"))
    assert run(line, note) == "not_analysed"
    layer = pdf([[(72, 700, "She has gout.")]])
    line.ehr.update(
        note | {"content": [attachment(layer, "application/pdf")]}, note["meta"]["versionId"]
    )
    assert run(line, read(line.ehr, f"DocumentReference/{note['id']}")) == "result"


def test_a_preliminary_note_is_read_unless_a_setting_waits_for_the_final_one(
    line: Line, base: str
) -> None:
    note = document(line.ehr, attachment(b"She has gout."), docStatus="preliminary")
    waiting = Settings(fhir_url=base, notes_preliminary="skip")
    later = replace(line, settings=waiting)
    assert run(later, note) == "not_analysed"
    head = task(line, note)
    assert head and head["statusReason"]["text"].startswith("The note is preliminary")
    line.ehr.update(note | {"docStatus": "final"}, note["meta"]["versionId"])
    assert run(later, read(line.ehr, f"DocumentReference/{note['id']}")) == "result"
    other = document(line.ehr, attachment(b"She has gout."), docStatus="preliminary")
    assert run(line, other) == "result"


def test_what_is_nobodys_note_leaves_no_trace(line: Line, base: str) -> None:
    silent = replace(line, settings=Settings(fhir_url=base, notes_other_types="ignore"))
    other = document(line.ehr, attachment(b"gout"), type=codes.concept(codes.LOINC, "18748-4"))
    assert run(silent, other) == "not_ours" and task(line, other) is None
    card = line.ehr.create(card_document(CARD, "2026-01-01T00:00:00Z")).reference
    vcf = document(line.ehr, attachment(b"##fileformat=VCFv4.2\n", "text/vcf"))
    for reference in (card, f"DocumentReference/{vcf['id']}"):
        found = read(line.ehr, reference)
        assert run(line, found) == "not accepted" and task(line, found) is None
    unowned = document(line.ehr, attachment(b"gout"), subject=None, type={"text": "Letter"})
    assert run(line, unowned) == "not_ours" and task(line, unowned) is None
