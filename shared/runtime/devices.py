"""Devices and model cards: the authors of results (pure).

They follow HL7 AI Transparency on FHIR 1.0.0-ballot.
"""

import base64

from shared.answers import digest
from shared.fhir import codes
from shared.json import Json
from shared.service import ModelCard


def card_document(card: ModelCard, now: str) -> Json:
    """Build the DocumentReference of a model card, identified by its text's digest."""
    data = base64.b64encode(card.card.encode()).decode()
    return {
        "resourceType": "DocumentReference",
        "identifier": [{"system": codes.MODEL_CARD, "value": card_token(card)}],
        "status": "current",
        "type": codes.concept(codes.AI_INPUTS, "AIModelCard"),
        "category": [codes.concept(codes.AI_INPUTS, "AIModelCardMarkdownFormat")],
        "date": now,
        "content": [
            {
                "attachment": {
                    "contentType": "text/markdown",
                    "data": data,
                    "title": f"Model card: {card.title}",
                }
            }
        ],
    }


def card_token(card: ModelCard) -> str:
    """Return the identifier value of a model card: the same text is the same card."""
    return f"{card.name}:{digest(card.card)[:32]}"


def device(card: ModelCard, document: str) -> Json:
    """Build the Device of one model version.

    Args:
        document: the reference of its card.
    """
    return {
        "resourceType": "Device",
        "extension": [{"url": codes.AI_MODEL_CARD, "valueReference": codes.reference(document)}],
        "identifier": [{"system": codes.MODEL, "value": device_token(card)}],
        "status": "active",
        "manufacturer": "careloop",
        "deviceName": [{"name": f"careloop {card.title}", "type": "model-name"}],
        "modelNumber": card.version,
        "type": {"coding": [codes.AI_ROLE]},
        "version": [{"value": card.digest}],
    }


def device_token(card: ModelCard) -> str:
    """Return the identifier value of a Device.

    It holds name and digest, so new weights are a new Device.
    """
    return f"{card.name}:{card.digest.removeprefix('sha256:')[:32]}"


def service_device(service: str, version: str) -> Json:
    """Build the Device of the service itself.

    It is the author where no model is: not analysed, failed, withdrawn.
    """
    return {
        "resourceType": "Device",
        "identifier": [{"system": codes.MODEL, "value": f"careloop-{service}:{version}"}],
        "status": "active",
        "manufacturer": "careloop",
        "deviceName": [{"name": f"careloop {service} service", "type": "model-name"}],
        "version": [{"value": version}],
    }


def if_none_exist(resource: Json) -> str:
    """Write the query of a conditional create, by the first identifier."""
    identifier = resource["identifier"][0]
    return f"identifier={identifier['system']}|{identifier['value']}"
