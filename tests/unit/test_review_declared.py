"""What a service declares of its page: titles, headings, sections; and a bad one."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest
from flask import Flask, render_template_string

from services import catalogue
from services.review import clock
from services.review.decision import fates
from services.review.panels import declared
from services.review.worklist.listing import title
from shared.fhir import codes
from shared.json import Json
from shared.panel import Panel, Row, Section
from tests.toy import TOY

OUTPUTS: Mapping[str, Json] = {"words": {"resourceType": "Observation", "valueInteger": 3}}


def task(service: str, **more: str) -> Json:
    return {"identifier": [{"system": codes.SERVICE, "value": service}], **more}


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Panel]]:
    """A service `toy` is installed; its panel is what stands in the list."""
    panels = [Panel()]

    def analyser(name: str) -> object:
        return replace(TOY, panel=panels[0]) if name == "toy" else known(name)

    known = catalogue.analyser
    monkeypatch.setattr(catalogue, "analyser", analyser)
    yield panels


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("imaging", "Imaging report"),
        ("genomics", "Pharmacogenomics report"),
        ("notes", "Clinical note findings"),
        ("treatment", "Treatment plan"),
        ("uninstalled", "uninstalled"),
        ("", "Result"),
    ],
)
def test_a_result_is_called_what_its_service_declares(service: str, expected: str) -> None:
    assert title(task(service)) == expected


def test_the_tasks_own_description_comes_first() -> None:
    assert title(task("imaging", description="Chest film, read twice")) == "Chest film, read twice"


def test_a_service_that_is_not_installed_here_has_a_plain_panel() -> None:
    assert declared.panel_of("uninstalled").findings == "Findings"
    assert declared.sections("uninstalled", OUTPUTS) == []
    assert not declared.is_per_patient("uninstalled")
    assert declared.is_per_patient("treatment")


def test_sections_are_made_from_the_outputs(toy: list[Panel]) -> None:
    def counted(outputs: Mapping[str, Json]) -> Sequence[Section]:
        rows = [Row((str(r["valueInteger"]),)) for r in outputs.values()]
        return [Section("Words", ("Count",), rows)]

    toy[0] = Panel(sections=counted)
    [section] = declared.sections("toy", OUTPUTS)
    assert [row.cells for row in section.rows] == [("3",)]


def test_a_panel_that_fails_says_so_and_the_page_stands(
    toy: list[Panel], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(outputs: Mapping[str, Json]) -> Sequence[Section]:
        raise KeyError("Canary of a patient")

    toy[0] = Panel(sections=broken)
    with caplog.at_level(logging.ERROR):
        [section] = declared.sections("toy", OUTPUTS)
    assert section == Section(declared.UNSHOWN, (), ())
    assert "KeyError" in caplog.text
    assert "Canary" not in caplog.text


def _late(outputs: Mapping[str, Json]) -> Sequence[Section]:
    rows = (Row((output["missing"],)) for output in outputs.values())
    return [Section("Words", ("Count",), rows)]  # type: ignore[arg-type]


@pytest.mark.parametrize("rows", [None, [None], [Row(None)]])  # type: ignore[arg-type]
def test_rows_that_can_not_be_drawn_say_so_too(toy: list[Panel], rows: object) -> None:
    toy[0] = Panel(sections=lambda _: [Section("Words", ("Count",), rows)])  # type: ignore[arg-type]
    assert declared.sections("toy", OUTPUTS) == [Section(declared.UNSHOWN, (), ())]


def test_rows_that_fail_when_they_are_counted_say_so_too(toy: list[Panel]) -> None:
    toy[0] = Panel(sections=_late)
    assert declared.sections("toy", OUTPUTS) == [Section(declared.UNSHOWN, (), ())]


def drawn(*sections: Section) -> str:
    app = Flask("services.review.app", template_folder="templates")
    draw = (
        '{% import "macros.html" as m %}'
        "{% for part in parts %}{% set anchor = loop.index %}"
        '{% include "panels/section.html" %}{% endfor %}'
    )
    app.add_template_filter(clock.when, "when")
    app.add_template_test(fates.is_gone, "gone")
    with app.app_context():
        return render_template_string(draw, parts=sections)


def test_a_section_is_drawn_as_a_table_with_everything_escaped() -> None:
    page = drawn(Section("Leads <II>", ("Lead", "ms"), [Row(("V<1>", "120"), note="a & b")]))
    assert "Leads &lt;II&gt;" in page
    assert '<th scope="col">ms</th>' in page
    assert 'data-label="ms">120' in page
    assert "V&lt;1&gt;" in page
    assert "a &amp; b" in page


def test_a_row_whose_resource_was_taken_back_is_struck_out() -> None:
    page = drawn(Section("Leads", ("Lead",), [Row(("V1",), "cancelled"), Row(("V2",), "final")]))
    assert page.count('class=" gone"') == 1
    assert page.count("not accepted") == 1


def test_a_section_without_rows_is_its_title_alone() -> None:
    page = drawn(Section(declared.UNSHOWN, (), ()))
    assert "can&#39;t be shown" in page
    assert "<table" not in page
