"""One OpenAPI 3.1 document per service, for its real routes.

A test compares the two.
"""

from shared import VERSION
from shared.json import Json

OUTCOME: Json = {
    "description": "An OperationOutcome says what is wrong and what to do.",
    "content": {
        "application/fhir+json": {"schema": {"$ref": "#/components/schemas/OperationOutcome"}}
    },
}


def errors(*statuses: int) -> Json:
    """Describe the responses for these error statuses."""
    return {str(s): OUTCOME for s in statuses}


def answer(description: str, media_type: str = "application/json") -> Json:
    """Describe a response with a body of this type."""
    schema = {"type": "object" if "json" in media_type else "string"}
    return {"description": description, "content": {media_type: {"schema": schema}}}


PROBES: Json = {
    "/healthz": {
        "get": {
            "operationId": "healthz",
            "summary": "The process is alive",
            "responses": {"200": answer("alive")},
        }
    },
    "/readyz": {
        "get": {
            "operationId": "readyz",
            "summary": "The service works; else what it waits for",
            "responses": {"200": answer("ready"), "503": answer("waiting, with the reasons")},
        }
    },
    "/metrics": {
        "get": {
            "operationId": "metrics",
            "summary": "Prometheus metrics",
            "responses": {"200": answer("text format", "text/plain")},
        }
    },
    "/openapi.json": {
        "get": {
            "operationId": "openapi",
            "summary": "This document",
            "responses": {"200": answer("OpenAPI 3.1")},
        }
    },
}

ANALYZE: Json = {
    "/analyze": {
        "post": {
            "operationId": "analyze",
            "summary": "Run the analysis of one resource and return the Bundle unwritten",
            "description": "Reads the EHR with the caller's own token (Authorization header), so "
            "it shows only what the caller may see.",
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["focus"],
                            "additionalProperties": False,
                            "properties": {
                                "focus": {
                                    "type": "string",
                                    "pattern": r"^[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-.]{1,64}$",
                                    "examples": ["ImagingStudy/17"],
                                }
                            },
                        }
                    }
                },
            },
            "responses": {
                "200": answer("a transaction Bundle", "application/fhir+json"),
                **errors(400, 401, 403, 404, 409, 413, 415, 422, 500, 503),
            },
            "security": [{}, {"bearer": []}],
        }
    }
}


def document(name: str, title: str, paths: Json) -> Json:
    """Build the document of one service."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"careloop {name}: {title}",
            "version": VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": PROBES | paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "secret": {"type": "apiKey", "in": "header", "name": "X-Careloop-Secret"},
            },
            "schemas": {
                "OperationOutcome": {
                    "type": "object",
                    "required": ["resourceType", "issue"],
                    "properties": {
                        "resourceType": {"const": "OperationOutcome"},
                        "issue": {"type": "array", "minItems": 1, "items": {"type": "object"}},
                    },
                }
            },
        },
    }
