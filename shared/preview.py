"""`POST /analyze`: the straight line with nothing written, for whoever wants to see before the event does it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

from shared.answers import Answer, head_of
from shared.errors import NotAnalysed
from shared.events import ResourceEvent
from shared.fhir import bundle, devices, heads, instants
from shared.fhir.client import Ehr
from shared.line import Case, Line, Register

Json = dict[str, Any]


def preview(line: Line, ehr: Ehr, event: ResourceEvent, analyze: Callable[[Any], Any]) -> Json:
    """The transaction that the event would send now; its Devices come as conditional creates of its own.

    Args:
        line: the service at work.
        ehr: read through this one, which carries the caller's own rights.
        analyze: one inputs -> findings.

    Raises:
        NotAnalysed: with the reason; also where the service would leave no trace.
        Withdrawn, NotYet, Unavailable: as in the line.
    """
    made: list[Json] = []
    line = replace(line, ehr=ehr, register=Register(lambda resource: _keep(resource, made)))
    answer = Answer(line.service.name, line.service.input_of(event))
    case = line.gather(Case(event, answer, None))
    if not isinstance(case, Case):
        raise NotAnalysed(f"The {line.service.name} service does not speak on this input.")
    findings = analyze(case.inputs)
    if isinstance(findings, NotAnalysed):
        raise findings
    draft = heads.first_draft(answer, 1, subject=case.inputs.subject, device=line.register.device(case.cards[0]), now=instants.now())
    head = head_of(draft | {"id": str(answer.uuid), "meta": {"versionId": "0"}})
    task, entries = line.compose(case, findings, head, bundle.NOTHING)
    unwritten = {k: v for k, v in task.items() if k not in ("id", "meta")}
    first = bundle.post(unwritten, f"urn:uuid:{answer.resource_uuid(1, 'head')}", heads.if_none_exist(answer, 1))
    return bundle.checked([first, *made, *entries])


def _keep(resource: Json, made: list[Json]) -> str:
    uuid = f"urn:uuid:{uuid4()}"
    made.append(bundle.post(resource, uuid, devices.if_none_exist(resource)))
    return uuid
