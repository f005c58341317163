"""What the tests of intake again share."""

from datetime import timedelta
from typing import Any

import pytest

from services.intake import sweep
from services.treatment.service import SERVICE
from shared.errors import Unavailable
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.runtime.line import Case, Line, at_ehr
from tests.integration.intake_changes.support import Intake, moment, version
from tests.unit.treatment_record import patient

PATIENT = "Patient/1"


ABOUT = {"subject": {"reference": PATIENT}}


def consent(number: int = 1) -> Any:
    return version(
        number, moment(), f"Consent/{number}", patient={"reference": PATIENT}, status="active"
    )


def report_of(service: str, reference: str, time: str, number: int = 1) -> Any:
    return version(
        number, time, reference, identifier=[{"system": codes.SERVICE, "value": service}], **ABOUT
    )


def told_again(intake: Intake) -> list[tuple[str, str]]:
    """What the sweep of a consent adds."""
    before = len(intake.events())
    intake.ehr.told = {"Consent": [consent()]}
    assert intake.sweep() == {}
    return [(e.focus, e.action) for e in intake.events()[before:]]


def order_of(subject: str) -> Any:
    return version(
        1, moment(), "MedicationRequest/1", intent="order", subject={"reference": subject}
    )


def unavailable(*_: Any) -> None:
    raise Unavailable("broker")


def swept_later(intake: Intake, seconds: float) -> list[tuple[str, str]]:
    """What a sweep adds that begins so much later."""
    before = len(intake.events())
    with pytest.MonkeyPatch.context() as later:
        later.setattr(sweep, "now", lambda: moment(timedelta(seconds=-seconds)))
        assert intake.sweep() == {}
    return [(e.focus, e.action) for e in intake.events()[before:]]


def drawn(line: Line, event: ResourceEvent) -> str:
    taken = line.take(event)
    return (
        line.put(taken, SERVICE.analyze([taken.inputs], line.model)[0])
        if isinstance(taken, Case)
        else taken
    )


def with_plan(intake: Intake, rests_on: list[Any]) -> tuple[str, Line]:
    """A patient whose plan was drawn from these, and a line that draws it again."""
    ehr, settings = intake.ehr, intake.settings
    subject = ehr.create({k: v for k, v in patient().items() if k not in ("id", "meta")}).reference
    for resource in rests_on:
        ehr.create(
            {k: v for k, v in resource.items() if k not in ("id", "meta", "result")}
            | {"subject": codes.reference(subject)}
        )
    line = Line(SERVICE, ehr, SERVICE.load(settings), settings, at_ehr(ehr))
    intake.sweep()
    settled = [drawn(line, e) for e in intake.events() if SERVICE.accepts(e)]
    assert settled[0] == "result"
    intake.sweep()
    return subject, line
