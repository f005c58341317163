"""Review: the text of a note as it was read, with what was found at its own place."""

import base64
import re
from html import unescape

from services.notes.analyze import read
from services.notes.gather import gather
from services.notes.resources import resources
from shared.fhir import codes
from shared.fhir.summary import event_of
from shared.json import Json
from shared.settings import Settings
from tests.browser.clinic import Clinic
from tests.integration.review.support import Visitor
from tests.unit.notes_reading.support import ListsOnly
from tests.unit.text_doors.support import pdf


def attachment(raw: bytes, content_type: str) -> Json:
    data = base64.b64encode(raw).decode()
    return {"attachment": {"contentType": content_type, "data": data}}


def result(clinic: Clinic, *content: Json) -> str:
    """A waiting result on a note of these attachments; the id of its Task."""
    made = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": codes.concept(codes.LOINC, "18842-5", "Discharge summary"),
        "subject": codes.reference(clinic.patient),
        "content": list(content),
    }
    source = clinic.ehr.create(made).reference
    document = clinic.ehr.read(source)
    assert document
    inputs = gather(event_of(document, "create"), clinic.ehr, Settings())
    assert inputs
    found = read(inputs, ListsOnly())
    return clinic.result("notes", source, lambda pen: resources(inputs, found, pen))


def shown(page: str) -> list[str]:
    """The texts of the notes, marks as <words>."""
    found = re.findall(r'<div class="note"[^>]*>(.*?)</div>', page, re.DOTALL)
    marked = (re.sub(r"<mark[^>]*>(.*?)</mark>", r"<\1>", note) for note in found)
    return [unescape(note) for note in marked]


def test_each_text_is_shown_with_its_own_marks(doctor: Visitor, clinic: Clinic) -> None:
    html = "<table><tr><td>go<b>ut</b><td>since 2001</table><p><s>aspirin 81 mg</s></p>"
    layer = pdf([[(72, 700, "Gout again: gout.")], []])
    task = result(
        clinic,
        attachment(html.encode(), "text/html"),
        attachment(layer, "application/pdf"),
        attachment(b"\xff\xd8\xff\xe0 01234", "image/jpeg"),
    )
    page = doctor.get(f"/results/{task}")
    first, second = shown(page)
    assert first.strip() == "<gout>\tsince 2001\n<s><aspirin></s><s> 81 mg</s>"
    assert second.strip() == "<Gout> again: <gout>."
    assert "Discharge summary, attachment 1 of 3" in page
    assert "Discharge summary, attachment 2 of 3" in page
    said = page.index("Attachment 3 (image/jpeg): The attachment is a picture (JPEG)")
    assert said < page.index('<div class="note"')
    assert page.index("Attachment 2 (application/pdf): Pages that hold no text: a scan: 2.") < said


def test_a_note_that_can_no_longer_be_read_says_why(doctor: Visitor, clinic: Clinic) -> None:
    task = result(clinic, attachment(rb"{\rtf1 She has {\b go}ut.}", "text/plain"))
    assert shown(doctor.get(f"/results/{task}")) == ["She has <gout>."]
    [document] = clinic.ehr.search(
        "DocumentReference", {"patient": clinic.patient}, subject=clinic.patient
    )
    scanned = {"content": [attachment(pdf([[]]), "application/pdf")]}
    clinic.ehr.update(document | scanned, document["meta"]["versionId"])
    page = doctor.get(f"/results/{task}")
    assert shown(page) == []
    assert "The PDF has no text layer. It is a scan." in page
