"""AuditEvents of IHE BALP 1.1 (pure builders), for the EHR's own audit trail.

They say what careloop read, wrote and was refused. They travel in the transaction that they
describe, so that neither exists without the other.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from shared.fhir import codes
from shared.fhir.sources import more, named
from shared.json import Json

SUBTYPE = {"R": "read", "C": "create", "U": "update"}


def access(
    action: str, *, device: str, ehr: str, patient: str | None, data: Iterable[str], now: str
) -> Json:
    """Record one read (`R`), create (`C`) or update (`U`) at the EHR.

    Args:
        action: the AuditEvent.action code.
        device: who did it, `Device/id`.
        ehr: the EHR's base URL; only its host is written.
        patient: `Patient/id`.
        data: what was read or written, references that exist; of very many the most important are
            named, and the number of the others.
        now: an instant.
    """
    # DCM 110152: destination of the data; 110153: their source.
    client, server = ("110152", "110153") if action == "R" else ("110153", "110152")
    agents = [
        _agent(client, codes.reference(device), requestor=True, host="careloop"),
        _agent(server, {"display": "EHR"}, requestor=False, host=urlsplit(ehr).hostname or "ehr"),
    ]
    return {
        "resourceType": "AuditEvent",
        "type": codes.coding(codes.AUDIT_EVENT_TYPE, "rest"),
        "subtype": [codes.coding(codes.RESTFUL_INTERACTION, SUBTYPE[action])],
        "action": action,
        "recorded": now,
        "outcome": "0",
        "agent": agents,
        "source": {"observer": codes.reference(device)},
        "entity": [*_data(data), *_patient(patient)],
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


def _agent(role: str, who: Json, *, requestor: bool, host: str) -> Json:
    return {
        "type": {"coding": [codes.coding(codes.DCM, role)]},
        "who": who,
        "requestor": requestor,
        "network": {"address": host, "type": "1"},  # 1: machine name
    }


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
