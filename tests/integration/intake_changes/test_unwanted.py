"""Many changes that no service accepts: they are counted, in time that grows with their number."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from services.intake.health import Health
from shared.events import ResourceEvent
from tests.integration.intake_changes.support import Intake, Scripted, moment, version

MANY = 200


def test_a_batch_of_unwanted_changes_compares_no_event_with_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = CollectorRegistry()
    compared: list[object] = []

    def equal(event: ResourceEvent, other: object) -> bool:
        compared.append(other)
        return event is other

    of_no_service = {"type": {"text": "a letter"}, "content": []}
    told = [version(1, moment(), f"DocumentReference/{n}", **of_no_service) for n in range(MANY)]
    intake = Intake(tmp_path, Scripted({"DocumentReference": list(told)}), health=Health(registry))
    monkeypatch.setattr(ResourceEvent, "__eq__", equal)
    assert intake.sweep() == {} and intake.events() == []
    labels = {"type": "DocumentReference", "origin": "others", "fate": "unwanted"}
    assert registry.get_sample_value("careloop_intake_versions_total", labels) == MANY
    assert len(compared) < MANY
    intake.close()
