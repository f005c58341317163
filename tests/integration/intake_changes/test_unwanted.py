"""Many changes that no service accepts: they are counted, in time that grows with their number."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from services.intake.health import Health
from shared.events import ResourceEvent
from shared.fhir import codes
from tests.integration.intake_changes.support import Intake, Scripted, moment, version

MANY = 200


@pytest.mark.parametrize(
    "kind", [None, {"text": "a letter"}, codes.concept(codes.LOINC, "18748-4")]
)
@pytest.mark.parametrize("content_type", ["application/pdf", "text/rtf", "image/tiff", None])
def test_a_document_of_any_type_and_format_reaches_the_services(
    tmp_path: Path, kind: dict[str, object] | None, content_type: str | None
) -> None:
    attachment = {"contentType": content_type} if content_type else {"url": "Binary/1"}
    elements = {"type": kind, "content": [{"attachment": attachment}]}
    document = version(
        1, moment(), "DocumentReference/1", **{k: v for k, v in elements.items() if v}
    )
    intake = Intake(tmp_path, Scripted({"DocumentReference": [document]}))
    assert intake.sweep() == {}
    [event] = intake.events()
    assert event.content_types == ((content_type,) if content_type else ())
    intake.close()


def test_a_batch_of_unwanted_changes_compares_no_event_with_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = CollectorRegistry()
    compared: list[object] = []

    def equal(event: ResourceEvent, other: object) -> bool:
        compared.append(other)
        return event is other

    of_no_service = {"type": codes.concept(codes.AI_INPUTS, "AIModelCard"), "content": []}
    told = [version(1, moment(), f"DocumentReference/{n}", **of_no_service) for n in range(MANY)]
    intake = Intake(tmp_path, Scripted({"DocumentReference": list(told)}), health=Health(registry))
    monkeypatch.setattr(ResourceEvent, "__eq__", equal)
    assert intake.sweep() == {} and intake.events() == []
    labels = {"type": "DocumentReference", "origin": "others", "fate": "unwanted"}
    assert registry.get_sample_value("careloop_intake_versions_total", labels) == MANY
    assert len(compared) < MANY
    intake.close()
