"""What the notes service writes, and what it decides on a record and a resource alone."""

import json
from dataclasses import replace
from typing import Any

import pytest

from services.notes.domain import NOTE_TYPES, Concept, Findings, Inputs, Mention, Part, Source
from services.notes.gather import accepts
from services.notes.resources import MOST_RESOURCES, NOTE_MENTION, resources
from services.notes.service import SERVICE
from shared.answers import Answer
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.fhir.check import check
from shared.fhir.drafts import Draft, Pen

INPUTS = Inputs(
    "Patient/1", "c", {"DocumentReference/n": "3"}, "DocumentReference/n", "18842-5", ""
)
PEN = Pen(
    Answer("notes", "DocumentReference/n"),
    1,
    "Patient/1",
    "2026-01-01T00:00:00Z",
    {"clinical-note-reader": "Device/d"},
    {"clinical-note-reader": "Clinical note reader"},
)
HYPERTENSION = Concept(codes.SNOMED, "38341003", "Hypertensive disorder")
CLOPIDOGREL = Concept(codes.RXNORM, "32968", "clopidogrel")
PROBLEM = Mention(
    "problem", 10, 13, "HTN", "past_medical_history", "present", 0.8, HYPERTENSION, "hypertension"
)
DRUG = Mention("drug", 20, 26, "Plavix", "medications", "present", None, CLOPIDOGREL, "clopidogrel")


def written(*mentions: Mention) -> dict[str, Any]:
    drafts = resources(INPUTS, Findings(mentions), PEN)
    for draft in drafts:
        check(_standing(draft))
    return {d.key: d.resource for d in drafts}


def _standing(draft: Draft) -> dict[str, Any]:
    """As it stands in an EHR: references to drafts made plain."""
    plain = json.loads(json.dumps(draft.resource))
    for result in plain.get("result", []):
        result["reference"] = "Observation/1"
    return dict(plain)


def test_a_problem_becomes_an_unconfirmed_condition_that_quotes_the_note() -> None:
    found = written(
        PROBLEM, replace(PROBLEM, start=90, end=102, text="hypertension", confidence=0.9)
    )
    condition = found["problem-38341003"]
    assert codes.has_code(
        condition["verificationStatus"], codes.CONDITION_VERIFICATION, "unconfirmed"
    )
    assert codes.has_code(condition["code"], codes.SNOMED, "38341003")
    assert [e["extension"][0]["valueString"] for e in condition["evidence"]] == [
        "HTN",
        "hypertension",
    ]
    assert condition["evidence"][0]["detail"] == [{"reference": "DocumentReference/n"}]
    assert condition["extension"] == [{"url": codes.AI_CONFIDENCE, "valueDecimal": 0.9}]
    assert "recorder" not in condition
    assert "result" not in found["report"]


def test_a_drug_becomes_the_observation_that_treatment_reads() -> None:
    found = written(DRUG)
    observation = found["drug-32968"]
    assert codes.has_code(observation["code"], codes.LOINC, "10160-0")
    assert codes.has_code(observation["valueCodeableConcept"], codes.RXNORM, "32968")
    assert observation["derivedFrom"] == [{"reference": "DocumentReference/n"}]
    [extension] = observation["extension"]
    parts = {
        p["url"]: next(v for k, v in p.items() if k.startswith("value"))
        for p in extension["extension"]
    }
    assert extension["url"] == NOTE_MENTION
    assert parts == {
        "start": 20,
        "end": 26,
        "kind": "drug",
        "assertion": "present",
        "text": "Plavix",
        "section": "medications",
    }
    assert len(found["report"]["result"]) == 1


@pytest.mark.parametrize(
    "assertion",
    ["negated", "possible", "hypothetical", "historical", "family", "allergy", "stopped"],
)
def test_what_does_not_count_is_named_in_the_report_and_nowhere_else(assertion: Any) -> None:
    found = written(replace(PROBLEM, assertion=assertion), replace(DRUG, assertion=assertion))
    assert list(found) == ["report"]
    assert f"hypertension ({assertion}), clopidogrel ({assertion})" in found["report"]["conclusion"]
    assert len(found["report"]["extension"]) == 2


def test_without_a_code_there_is_text_and_no_code_is_made_up() -> None:
    found = written(replace(PROBLEM, concept=None, name="Odd\nillness", text="Odd\nillness"))
    [key] = [k for k in found if k.startswith("problem-")]
    assert found[key]["code"] == {"text": "Odd illness"}
    assert "odd" not in key


def test_the_same_mention_has_the_same_key_on_a_rerun() -> None:
    once, again = (
        [d.uuid for d in resources(INPUTS, Findings((PROBLEM, DRUG)), PEN)] for _ in range(2)
    )
    assert once == again


def test_a_note_without_findings_still_has_a_report() -> None:
    found = written()
    assert found["report"]["conclusion"].startswith(
        "Problems: none recognised. Drugs: none recognised."
    )
    assert codes.has_code(found["report"]["code"], codes.LOINC, "18842-5")


def test_a_flood_of_findings_stays_within_a_bundle() -> None:
    many = [
        replace(PROBLEM, concept=None, name=f"illness {i}", text="x" * 60, start=i)
        for i in range(3000)
    ]
    drafts = resources(
        INPUTS, Findings((*many, *(replace(m, assertion="negated") for m in many))), PEN
    )
    assert len(drafts) == MOST_RESOURCES + 1
    assert "2900 more that are not listed" in drafts[-1].resource["conclusion"]
    assert len(json.dumps([d.resource for d in drafts])) < 300_000


@pytest.mark.parametrize("code", NOTE_TYPES)
def test_every_type_of_note_has_a_legal_report(code: str) -> None:
    for draft in resources(replace(INPUTS, type_code=code), Findings((PROBLEM,)), PEN):
        check(_standing(draft))


def test_its_reports_have_the_categories_that_the_service_declares() -> None:
    made = [
        resources(replace(INPUTS, type_code=code), Findings((PROBLEM,)), PEN)[-1].resource
        for code in NOTE_TYPES
    ]
    found = {c["code"] for report in made for c in codes.codings(report["category"])}
    assert found == SERVICE.panel.categories


def parts_of(mention: Mention, inputs: Inputs) -> dict[str, Any]:
    [draft, _] = resources(inputs, Findings((mention,)), PEN)
    [extension] = draft.resource["extension"]
    return {p["url"]: next(v for k, v in p.items() if k != "url") for p in extension["extension"]}


def test_a_mention_stands_where_the_attachment_has_it() -> None:
    # "<b>x</b>\n\f\nPlavix" of a second attachment with tags in the word
    parts = (Part(0, 0, [3]), Part(4, 2, [0, 1, 2, 9, 10, 11]))
    inputs = replace(INPUTS, text="x\n\f\nPlavix", parts=parts, attachments=3)
    assert inputs.source(0, 1) == Source(0, 3, 4)
    assert inputs.source(4, 10) == Source(2, 0, 12)
    found = parts_of(replace(DRUG, start=4, end=10), inputs)
    assert (found["start"], found["end"], found["attachment"]) == (0, 12, 2)
    assert "attachment" not in parts_of(DRUG, INPUTS)


def test_what_was_not_read_is_said_before_what_was_found() -> None:
    unread = ("Attachment 2 (application/pdf): The PDF has no text layer.",)
    inputs = replace(INPUTS, unread=unread, doubts=("It was read as windows-1252.",))
    said = resources(inputs, Findings((DRUG,)), PEN)[-1].resource["conclusion"]
    assert said.startswith(
        "Not read: Attachment 2 (application/pdf): The PDF has no text layer. "
        "Read with doubt: It was read as windows-1252. Problems:"
    )


def event(**changes: Any) -> ResourceEvent:
    base = ResourceEvent(
        "DocumentReference/n",
        "1",
        "create",
        "Patient/1",
        "current",
        codes=("http://loinc.org|18842-5",),
        content_types=("text/plain; charset=utf-8",),
    )
    return replace(base, **changes)


def test_which_records_are_ours() -> None:
    assert accepts(event())
    assert accepts(event(content_types=("application/pdf", "text/html")))
    assert accepts(event(status="superseded"))
    assert accepts(event(action="delete", codes=(), content_types=()))
    assert accepts(event(content_types=("application/pdf",)))
    assert accepts(event(content_types=()))
    assert accepts(event(codes=("http://loinc.org|69730-0",)))
    assert accepts(event(codes=()))
    assert not accepts(event(focus="Observation/1"))
    assert not accepts(event(focus="Observation/1", action="delete"))


@pytest.mark.parametrize(
    ("codes_", "content_types"),
    [
        ((f"{codes.AI_INPUTS}|AIModelCard",), ("text/markdown",)),
        ((), ("text/vcf",)),
        ((f"{codes.LOINC}|51969-4",), ("text/plain",)),
        ((f"{codes.LOINC}|11506-3",), ("application/dicom",)),
    ],
)
def test_genomes_images_and_model_cards_are_no_notes(
    codes_: tuple[str, ...], content_types: tuple[str, ...]
) -> None:
    assert not accepts(event(codes=codes_, content_types=content_types))
    assert accepts(event(codes=codes_, content_types=content_types, action="delete"))


def test_the_service_reads_and_writes_no_more_than_it_needs() -> None:
    assert SERVICE.reads == {"DocumentReference", "Binary"}
    assert SERVICE.writes == {"DiagnosticReport", "Observation", "Condition"}
