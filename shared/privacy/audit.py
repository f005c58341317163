"""AuditEvents of IHE BALP 1.1 (pure builders), for the EHR's own audit trail.

They say what careloop read, wrote and was refused. They travel in the transaction that they
describe, so that neither exists without the other. What a person reads on the pages is written
before it is shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from shared.fhir import codes
from shared.fhir.sources import more, named
from shared.json import Json
from shared.references import type_of

SUBTYPE = {"R": "read", "C": "create", "U": "update"}
BREAK_THE_GLASS: Final = codes.concept(codes.V3_ACT_REASON, "BTG", "break the glass")


@dataclass(frozen=True)
class Requestor:
    """The person who asked.

    Attributes:
        who: `Practitioner/id`.
        login: what the issuer of the login calls her (`sub`).
        address: of her machine on the network; empty: not known.
        in_emergency: only an emergency access ("break the glass") opened it.
    """

    who: str
    name: str
    login: str
    address: str
    in_emergency: bool = False


def access(
    action: str,
    *,
    device: str,
    ehr: str,
    patient: str | None,
    data: Iterable[str],
    now: str,
    person: Requestor | None = None,
) -> Json:
    """Record one read (`R`), create (`C`) or update (`U`) at the EHR.

    Args:
        action: the AuditEvent.action code.
        device: what did it, `Device/id`.
        ehr: the EHR's base URL; only its host is written.
        patient: `Patient/id`.
        data: what was read or written, references that exist; of very many the most important are
            named, and the number of the others.
        now: an instant.
        person: for whom; None: for nobody, a service at work.
    """
    return _event(action, SUBTYPE[action], device=device, ehr=ehr, now=now, person=person) | {
        "entity": [*_data(data), *_patient(patient)]
    }


def listing(
    *,
    device: str,
    ehr: str,
    patients: Iterable[str],
    data: Iterable[str],
    query: str,
    now: str,
    person: Requestor,
) -> Json:
    """Record a list that a person saw: the patients, and what was listed of them.

    Args:
        patients: `Patient/id` each.
        data: what was listed.
        query: what was asked for, in our words; what she typed may be a name and is never kept.
    """
    asked = _entity({"name": query}, "2", "24")
    shown = [entity for patient in dict.fromkeys(patients) for entity in _patient(patient)]
    return _event("E", "search", device=device, ehr=ehr, now=now, person=person) | {
        "entity": [asked, *_data(data), *shown]
    }


def emergency(
    *, device: str, ehr: str, patient: str, reason: str, until: str, now: str, person: Requestor
) -> Json:
    """Record that a person opened a patient's record in an emergency, and why.

    Args:
        person: with `in_emergency`.
        reason: in her words.
        until: an instant: it ends then at the latest.
    """
    [entity] = _patient(patient)
    detail = [{"type": "reason", "valueString": reason}, {"type": "until", "valueString": until}]
    return _event("E", "", device=device, ehr=ehr, now=now, person=person) | {
        "type": codes.coding(codes.DCM, "110113", "Security Alert"),
        "subtype": [codes.coding(codes.DCM, "110127", "Emergency Override Started")],
        "purposeOfEvent": [BREAK_THE_GLASS],
        "entity": [entity | {"detail": detail}],
    }


def by_identifier(event: Json) -> Json:
    """Name what the event is about by identifiers instead of references.

    For a server that refuses a reference to what was deleted meanwhile.
    """
    return event | {
        "source": _identified(event["source"], "observer"),
        "agent": [_identified(agent, "who") for agent in event["agent"]],
        "entity": [_identified(entity, "what") for entity in event["entity"]],
    }


def denied(*, device: str, patient: str | None, consent: str | None, now: str) -> Json:
    """Record a denied consent."""
    entities = _patient(patient)
    if consent:
        entities.append(
            {
                "what": codes.reference(consent),
                "type": codes.coding(codes.RESOURCE_TYPES, "Consent"),
            }
        )
    return {
        "resourceType": "AuditEvent",
        "type": codes.coding(codes.DCM, "110113", "Security Alert"),
        "subtype": [codes.coding(codes.BALP_AUTHZ, "AuthZ-Consent")],
        "action": "E",
        "recorded": now,
        "outcome": "4",
        "outcomeDesc": "Consent denies AI use",
        "agent": [
            {
                "type": {"coding": [codes.coding(codes.DCM, "110150")]},
                "who": codes.reference(device),
                "requestor": True,
            }
        ],
        "source": {"observer": codes.reference(device)},
        "entity": entities,
    }


def _event(
    action: str, subtype: str, *, device: str, ehr: str, now: str, person: Requestor | None
) -> Json:
    # DCM 110152: destination of the data; 110153: their source.
    client, server = ("110153", "110152") if action in "CU" else ("110152", "110153")
    agents = [
        _agent(client, codes.reference(device), requestor=person is None, host="careloop"),
        _agent(server, {"display": "EHR"}, requestor=False, host=urlsplit(ehr).hostname or "ehr"),
    ]
    return {
        "resourceType": "AuditEvent",
        "type": codes.coding(codes.AUDIT_EVENT_TYPE, "rest"),
        "subtype": [codes.coding(codes.RESTFUL_INTERACTION, subtype)],
        "action": action,
        "recorded": now,
        "outcome": "0",
        "agent": [*([_person(person, action)] if person else []), *agents],
        "source": {"observer": codes.reference(device)},
    }


def _agent(role: str, who: Json, *, requestor: bool, host: str) -> Json:
    return {
        "type": {"coding": [codes.coding(codes.DCM, role)]},
        "who": who,
        "requestor": requestor,
        "network": {"address": host, "type": "1"},  # 1: machine name
    }


def _person(person: Requestor, action: str) -> Json:
    """Build the agent of a person: she is told something (IRCP), or wrote it (AUT)."""
    role = "AUT" if action in "CU" else "IRCP"
    agent: dict[str, Any] = {
        "type": {"coding": [codes.coding(codes.PARTICIPATION_TYPE, role)]},
        "who": codes.reference(person.who),
        "name": person.name,
        "requestor": True,
    }
    if person.login:
        agent["altId"] = person.login
    if person.address:
        agent["network"] = {"address": person.address, "type": "2"}  # 2: IP address
    if person.in_emergency:
        agent["purposeOfUse"] = [BREAK_THE_GLASS]
    return agent


def _identified(holder: Json, element: str) -> Json:
    reference = holder.get(element, {}).get("reference")
    if not reference:
        return holder
    kind = type_of(reference)
    return holder | {element: {"type": kind, "identifier": {"value": reference}}}


def _data(references: Iterable[str]) -> list[Json]:
    one_by_one, others = named(references)
    entities: list[Json] = [{"what": codes.reference(reference)} for reference in one_by_one]
    if others:
        entities.append({"description": more(others)})
    return [_entity(entity, "2", "4") for entity in entities]


def _entity(entity: Json, kind: str, role: str) -> Json:
    return entity | {
        "type": codes.coding(codes.AUDIT_ENTITY_TYPE, kind),
        "role": codes.coding(codes.OBJECT_ROLE, role),
    }


def _patient(patient: str | None) -> list[Json]:
    return [_entity({"what": codes.reference(patient)}, "1", "1")] if patient else []
