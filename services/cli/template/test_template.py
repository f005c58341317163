"""The template service: what it accepts, reads, finds and writes."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.cli.template.service import SERVICE
from shared.answers import Answer
from shared.errors import NotAnalysed, Withdrawn
from shared.events import ResourceEvent
from shared.fhir.check import check
from shared.fhir.drafts import Pen
from shared.fhir.summary import event_of
from shared.json import Json
from shared.settings import load_settings

EXAMPLE: Json = json.loads((Path(__file__).parent / "example" / "observation.json").read_text())
STORED = EXAMPLE | {
    "id": "1",
    "meta": {"versionId": "3"},
    "subject": {"reference": "Patient/1"},
}


class Ehr:
    """An EHR that holds one Observation, or none."""

    def __init__(self, resource: Json | None) -> None:
        self.resource = resource

    def read(self, _reference: str) -> Json | None:
        return self.resource


def gathered(resource: Json | None) -> Any:
    event = event_of(STORED, "update")
    return SERVICE.gather(event, Ehr(resource), load_settings())  # type: ignore[arg-type]


def test_it_accepts_its_example_and_nothing_of_careloop() -> None:
    event = event_of(STORED, "create")
    assert SERVICE.accepts(event)
    assert not SERVICE.accepts(event_of(STORED | {"code": {"text": "another"}}, "create"))
    assert not SERVICE.accepts(ResourceEvent("Observation/1", "1", "create", answer_of="notes"))


@pytest.mark.parametrize("gone", [None, STORED | {"status": "entered-in-error"}])
def test_what_is_gone_is_withdrawn(gone: Json | None) -> None:
    with pytest.raises(Withdrawn):
        gathered(gone)


def test_a_value_that_it_cannot_read_is_not_analysed() -> None:
    with pytest.raises(NotAnalysed, match="valueString"):
        gathered({k: v for k, v in STORED.items() if k != "valueString"})


def test_the_example_becomes_a_valid_report() -> None:
    inputs = gathered(STORED)
    model = SERVICE.load(load_settings())

    [findings] = SERVICE.analyze([inputs], model)
    pen = Pen(
        answer=Answer(SERVICE.name, "Observation/1"),
        revision=1,
        subject="Patient/1",
        now="2026-01-01T00:00:00.000Z",
        devices={model.card.name: "Device/1"},
        titles={model.card.name: model.card.title},
        effective=inputs.effective,
    )
    drafts = SERVICE.resources(inputs, findings, pen)

    assert [draft.key for draft in drafts] == ["words", "report"]
    for draft in drafts:
        check(draft.resource)
        assert draft.resource["effectiveDateTime"] == EXAMPLE["effectiveDateTime"]
    outputs = {draft.key: draft.resource for draft in drafts}
    [section] = SERVICE.panel.sections(outputs)
    assert section.title == "What the template counted"
