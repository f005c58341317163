"""The clinical time: what the record states, in its precision; never the hour of writing."""

from dataclasses import replace
from typing import Any

import pytest

from shared.answers import Answer
from shared.fhir import codes
from shared.fhir.check import check
from shared.fhir.drafts import Pen
from shared.fhir.times import clinical
from shared.fhir.times.clinical import clinical_time
from shared.fhir.times.stated import date_time, newest
from shared.json import Json
from tests.unit.treatment_record import ours

NOW = "2026-11-28T10:00:00.000Z"
PEN = Pen(
    Answer("imaging", "ImagingStudy/1"), 1, "Patient/1", NOW, {"m": "Device/1"}, {"m": "careloop"}
)
BODY: dict[str, Json] = {
    "Observation": {"code": {"text": "x"}},
    "DiagnosticReport": {"code": {"text": "x"}},
    "Media": {"content": {"contentType": "image/png", "data": "AAAA"}},
    "Condition": {"code": {"text": "x"}},
    "CarePlan": {"title": "x"},
}


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        ("2004-08-26", "2004-08-26"),
        ("2004-08", "2004-08"),
        ("2004", "2004"),
        ("2004-08-26T10:11:12+02:00", "2004-08-26T10:11:12+02:00"),
        ("2004-08-26T10:11:12.5Z", "2004-08-26T10:11:12.5Z"),
        ("2004-08-26T10:11:12", "2004-08-26"),
        ("2004-08-26T10:11Z", "2004-08-26"),
        ("2004-08-26T10:11:60Z", "2004-08-26"),
        ("2004-08-26T10:11:12+15:00", "2004-08-26"),
        ("2004T10:00:00Z", None),
        ("2004-02-30", None),
        ("2004-13", None),
        ("20040826", None),
        ("yesterday", None),
        ("", None),
        (20040826, None),
        (None, None),
    ],
)
def test_a_time_keeps_its_precision_and_what_is_none_is_none(stated: Any, read: str | None) -> None:
    assert date_time(stated) == read


@pytest.mark.parametrize("kind", sorted(BODY))
@pytest.mark.parametrize("time", ["2004-08-26", "2004-08", "2004-08-26T10:11:12+02:00"])
def test_each_kind_keeps_the_time_of_what_was_analysed(kind: str, time: str) -> None:
    written = replace(PEN, effective=time).draft(kind, "k", confidence=0.9, **BODY[kind]).resource
    check(written)
    assert clinical_time(written) == time
    assert {e["url"] for e in written["extension"]} >= {codes.AI_CONFIDENCE}
    assert clinical_time(clinical.timeless(written)) is None


@pytest.mark.parametrize("kind", sorted(BODY))
def test_what_is_not_known_is_left_out_and_is_never_now(kind: str) -> None:
    written = PEN.draft(kind, "k", **BODY[kind]).resource
    check(written)
    named = {k for k in written if k.startswith(("effective", "created"))} - {"created"}
    assert named == set() and "extension" not in written
    assert clinical_time(written) is None


def test_issued_is_ours() -> None:
    pen = replace(PEN, effective="2004-08-26")
    for kind in ("Observation", "DiagnosticReport", "Media"):
        assert pen.draft(kind, "k", **BODY[kind]).resource["issued"] == NOW


def test_an_extension_of_the_service_stays_beside_the_time() -> None:
    quoted = {"url": codes.ORIGINAL_TEXT, "valueString": "x"}
    pen = replace(PEN, effective="2004-08-26")
    written = pen.draft("Condition", "k", code={"text": "x"}, extension=[quoted]).resource
    assert quoted in written["extension"] and clinical_time(written) == "2004-08-26"
    assert clinical.timeless(written)["extension"] == [quoted]


@pytest.mark.parametrize(
    ("resource", "time"),
    [
        ({"started": "2004-08-26"}, "2004-08-26"),
        (
            {"series": [{"started": "2004-08-27"}, {"started": "2004-08-26T10:00:00Z"}]},
            "2004-08-26T10:00:00Z",
        ),
        ({"started": "never", "series": [{"started": "2004-08-27"}]}, "2004-08-27"),
        ({"series": [None, 7]}, None),
        ({}, None),
    ],
)
def test_a_study_is_as_old_as_its_beginning(resource: Json, time: str | None) -> None:
    assert clinical_time({"resourceType": "ImagingStudy", **resource}) == time


def document(**elements: Any) -> Json:
    return {"resourceType": "DocumentReference", **elements}


@pytest.mark.parametrize(
    ("elements", "time"),
    [
        ({"date": "2026-01-05T08:00:00Z"}, "2026-01-05T08:00:00Z"),
        (
            {"date": "2026-01-05T08:00:00Z", "context": {"period": {"end": "2004-03-01"}}},
            "2004-03-01",
        ),
        (  # scanned today
            {
                "date": "2026-01-05T08:00:00Z",
                "content": [{"attachment": {"creation": "2004-03-01"}}],
            },
            "2004-03-01",
        ),
        (  # a stay that is planned to end after the note was written
            {"date": "2026-01-05T08:00:00Z", "context": {"period": {"end": "2026-02-01"}}},
            "2026-01-05T08:00:00Z",
        ),
        (  # a stay that goes on
            {"date": "2026-01-05T08:00:00Z", "context": {"period": {"start": "2025-12-01"}}},
            "2026-01-05T08:00:00Z",
        ),
        ({"context": {"period": {"start": "2025-12"}}}, "2025-12"),
        ({"context": {"period": []}, "content": [{"attachment": None}, 3]}, None),
        ({}, None),
    ],
)
def test_a_document_is_as_old_as_what_it_tells(elements: Json, time: str | None) -> None:
    assert clinical_time(document(**elements)) == time


@pytest.mark.parametrize(
    ("elements", "time"),
    [
        ({"collection": {"collectedDateTime": "2025-05-03"}}, "2025-05-03"),
        (
            {"collection": {"collectedPeriod": {"start": "2025-05-02", "end": "2025-05-03"}}},
            "2025-05-03",
        ),
        ({"receivedTime": "2025-05-04"}, "2025-05-04"),
        ({"collection": {}}, None),
    ],
)
def test_a_sample_is_as_old_as_its_collection(elements: Json, time: str | None) -> None:
    assert clinical_time({"resourceType": "Specimen", **elements}) == time


@pytest.mark.parametrize(
    ("resource", "time"),
    [
        ({"resourceType": "MedicationRequest", "authoredOn": "2026-01-05"}, "2026-01-05"),
        ({"resourceType": "AllergyIntolerance", "recordedDate": "2019"}, "2019"),
        ({"resourceType": "Condition", "recordedDate": "2019-05"}, "2019-05"),
        ({"resourceType": "Observation", "effectivePeriod": {"end": "2020-01-02"}}, "2020-01-02"),
        ({"resourceType": "Observation", "effectiveInstant": NOW, "issued": NOW}, NOW),
        ({"resourceType": "Patient", "birthDate": "1940-03-02"}, None),
    ],
)
def test_the_hospitals_own_resources_have_theirs(resource: Json, time: str | None) -> None:
    assert clinical_time(resource) == time


@pytest.mark.parametrize("kind", ["Observation", "DiagnosticReport"])
def test_the_hour_of_analysis_that_an_older_careloop_wrote_is_no_clinical_time(kind: str) -> None:
    older = {"resourceType": kind, "effectiveDateTime": NOW, "issued": NOW}
    assert clinical_time(older | {"identifier": ours("imaging")}) is None
    assert clinical_time(older) == NOW, "another system's own is its own"


def test_a_problem_of_ours_is_as_old_as_its_note_and_not_as_its_recording() -> None:
    written = {"resourceType": "Condition", "recordedDate": NOW, "identifier": ours("notes")}
    assert clinical_time(written) is None
    asserted = {"url": codes.ASSERTED_DATE, "valueDateTime": "2019-03-01"}
    assert clinical_time(written | {"extension": [asserted]}) == "2019-03-01"


def test_the_newest_counts_whatever_its_zone_and_precision() -> None:
    assert newest(["2026-01-01", None, "2025", "2026-01-01T23:00:00-05:00", "no"]) == (
        "2026-01-01T23:00:00-05:00"
    )
    assert newest([None, "no"]) is None
