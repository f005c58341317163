"""The resource in the body of a success."""

from shared.ehr.wire.failures import refusal
from shared.ehr.wire.response import Response, json_or_none
from shared.errors import Unavailable
from shared.json import Json


def json_object(response: Response, request: str = "a request") -> Json:
    """Read the body as a resource.

    Raises:
        Unavailable: it is anything else: a proxy's page says nothing about the request.
        FhirError, Conflict, Unavailable: it is an OperationOutcome with an error.
    """
    body = json_or_none(response)
    if not isinstance(body, dict):
        raise Unavailable("ehr", f"{response.status} without FHIR JSON", cause="shape")
    if error := refusal(body, response.status, request):
        raise error
    return body
