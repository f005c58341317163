"""The preview of a result: the straight line without a write."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

from shared import instants
from shared.answers import Answer, Head
from shared.ehr.client import Ehr
from shared.ehr.guard import heads as heads_at
from shared.errors import NotAnalysed
from shared.events import ResourceEvent
from shared.fhir import bundle, heads
from shared.fhir.heads import head_of
from shared.json import Json
from shared.runtime import devices
from shared.runtime.line import Case, Line, Register
from shared.runtime.line.merged import in_use
from shared.runtime.line.result import compose
from shared.runtime.line.revision import decided_elsewhere, opens_revision, standing_under
from shared.runtime.line.subject import with_consent


def preview(line: Line, ehr: Ehr, event: ResourceEvent, analyze: Callable[[Any], Any]) -> Json:
    """Build the transaction of this result; its Devices are conditional creates.

    Posted as it is, it does what the event would do: it opens the revision where none is open, else
    it replaces the draft under the versions of now. (An input that was answered already is shown
    again; the event would write nothing.)

    Args:
        line: the service at work.
        ehr: read through this one, which carries the caller's own rights.
        analyze: one inputs -> findings.

    Raises:
        NotAnalysed: with the reason; also where the service would leave no trace.
        Withdrawn, NotYet, Unavailable: as in the line.
    """
    made: list[Json] = []
    ehr = ehr.able(line.ehr.abilities)
    line = replace(line, ehr=ehr, register=Register(lambda resource: _keep(resource, made)))
    answer = Answer(line.service.name, line.service.input_of(event))
    about = in_use(line, Case(event, answer, None))
    answer = Answer(line.service.name, line.service.input_of(about.event))
    head = ehr.head(answer)

    case = line.gather(with_consent(line, replace(about, answer=answer)))
    if not isinstance(case, Case):
        raise NotAnalysed(f"The {line.service.name} service does not speak on this input.")

    case = replace(case, head=head)
    findings = analyze(case.inputs)
    if isinstance(findings, NotAnalysed):
        raise findings

    begins = opens_revision(head, case.inputs.subject)
    head = _next_head(ehr, case, line.register.device(case.cards[0])) if begins else head
    assert head is not None
    standing = bundle.NOTHING if begins else _standing(head, line)

    task, entries = compose(line, case, findings, head, standing)
    first = _first_version(ehr, task, head, answer) if begins else bundle.put(task, head.version)
    return bundle.checked([first, *made, *entries])


def _next_head(ehr: Ehr, case: Case, device: str) -> Head:
    """Build the head of the next revision, as it will be created."""
    revision = heads_at.next_revision(ehr, case.answer, case.head)
    draft = heads.first_draft(
        case.answer, revision, subject=case.inputs.subject, device=device, now=instants.now()
    )
    if ehr.abilities.create_guard:
        return heads.to_be_created(draft, case.answer, revision)
    return head_of(draft | {"id": str(case.answer.uuid), "meta": {"versionId": "0"}})


def _first_version(ehr: Ehr, task: Json, head: Head, answer: Answer) -> Json:
    if ehr.abilities.create_guard:
        return ehr.abilities.guarded(bundle.put(task, ""))
    unwritten = {k: v for k, v in task.items() if k not in ("id", "meta")}
    return bundle.post(
        unwritten,
        f"urn:uuid:{answer.resource_uuid(head.revision, 'head')}",
        heads.if_none_exist(answer, head.revision),
    )


def _standing(head: Head, line: Line) -> bundle.Standing:
    standing = standing_under(line.ehr, head)
    if decided_elsewhere(head, standing):
        raise NotAnalysed("The result was decided on in the EHR already.")
    return standing


def _keep(resource: Json, made: list[Json]) -> str:
    uuid = f"urn:uuid:{uuid4()}"
    made.append(bundle.post(resource, uuid, devices.if_none_exist(resource)))
    return uuid
