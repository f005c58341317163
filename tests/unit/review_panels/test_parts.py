"""Which parts a page has: those that the service declares first, and nothing left out."""

from pathlib import Path
from typing import get_args

import pytest

from services import catalogue
from services.review import app
from services.review.panels.parts import PARTS, drawn, uncovered
from shared.fhir import codes
from shared.json import Json
from shared.panel import ON_REQUEST, Panel, PartName
from tests.unit.review_panels.support import material, resource, result

REPORT = resource("DiagnosticReport", "1", status="preliminary")
GENOMIC = [codes.concept(codes.V2_0074, "GE")]
WRITTEN: list[Json] = [
    resource("Observation", "1", code={"text": "Heart rate"}),
    resource("Observation", "2", code={"text": "Copy number"}, category=GENOMIC),
    resource("Observation", "3", code=codes.concept(codes.LOINC, "84413-4"), category=GENOMIC),
    resource(
        "Observation",
        "4",
        code=codes.concept(codes.GENOMICS_TBD, "therapeutic-implication"),
        category=GENOMIC,
    ),
    resource("Condition", "1", code={"text": "Hypertension"}),
    resource("DetectedIssue", "1", code={"text": "Interaction"}, severity="high"),
    resource("Media", "1", content={"title": "Heat map"}),
    resource("Goal", "1", description={"text": "No stroke"}),
    resource("MedicationRequest", "1", medicationCodeableConcept={"text": "aspirin"}),
    resource("ServiceRequest", "1", code={"text": "Echocardiogram"}),
    resource("RequestGroup", "1"),
]
BESIDE: list[Json] = [
    resource("DiagnosticReport", "2", code={"text": "A second report"}, conclusion="Seen."),
    resource("CarePlan", "2", title="A second plan"),
    resource("RiskAssessment", "1", code={"text": "Risk of a fall"}),
]


def test_every_part_that_may_be_declared_has_a_builder_and_a_template() -> None:
    folder = Path(app.__file__).parent / "templates" / "panels"
    assert set(PARTS) == set(get_args(PartName))
    for name in (*PARTS, "rest"):
        assert (folder / f"{name}.html").is_file(), name


def test_the_page_of_all_results_names_no_part() -> None:
    page = (Path(app.__file__).parent / "templates" / "result.html").read_text(encoding="utf-8")
    assert "part.template" in page
    assert [name for name in PARTS if f"panels/{name}" in page or f"shown.{name}" in page] == []


@pytest.mark.parametrize("service", catalogue.analyser_names())
def test_each_service_declares_what_comes_first(service: str) -> None:
    panel = catalogue.analyser(service).panel
    assert panel.parts
    assert panel.order[: len(panel.parts)] == panel.parts
    assert set(panel.order) >= set(PARTS) - ON_REQUEST


@pytest.mark.parametrize("parts", [("films",), ("alerts", "film", "alerts")])
def test_a_part_that_is_unknown_or_named_twice_is_refused(parts: tuple[PartName, ...]) -> None:
    with pytest.raises(ValueError, match="part"):
        Panel(parts=parts)


def test_the_parts_that_are_declared_come_first_and_the_others_follow() -> None:
    made = result(REPORT, *WRITTEN)
    names = [part.name for part in drawn(material(made, Panel(parts=("genes", "problems"))))]
    assert names[:2] == ["genes", "problems"]
    assert {"alerts", "findings", "advice", "variants", "film", "proposals"} <= set(names)


@pytest.mark.parametrize("written", WRITTEN, ids=lambda r: f"{r['resourceType']}/{r['id']}")
@pytest.mark.parametrize("service", [*catalogue.analyser_names(), None])
def test_whatever_a_service_writes_has_a_part(written: Json, service: str | None) -> None:
    panel = catalogue.analyser(service).panel if service else Panel()
    assert uncovered(material(result(REPORT, written), panel)) == []


@pytest.mark.parametrize("written", BESIDE, ids=lambda r: r["resourceType"])
def test_what_no_part_shows_stands_in_the_last_one(written: Json) -> None:
    last = drawn(material(result(REPORT, written)))[-1]
    assert last.name == "rest"
    assert [line.name for line in last.lines] == [written.get("title") or written["code"]["text"]]


def test_a_result_that_is_its_focus_alone_has_no_part() -> None:
    assert drawn(material(result(REPORT))) == []
