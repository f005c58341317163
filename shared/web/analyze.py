"""`POST /analyze {"focus": "Type/id"}`: a preview of the event's result.

Nothing is written.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from flask import Blueprint, Response, jsonify, request

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.errors import InvalidInput, NotAnalysed, Unavailable, Withdrawn
from shared.fhir.summary import event_of
from shared.references import REFERENCE
from shared.runtime.line import Line
from shared.text.strict_json import loads
from shared.web.app import FHIR_JSON, outcome
from shared.web.preview import preview

JSON_TYPES = ("application/json", FHIR_JSON)


def analyze_route(
    line_and_model: Callable[[], tuple[Line, Callable[[Any], Any]] | None],
) -> Blueprint:
    """Make the route.

    Args:
        line_and_model: the service at work and its model behind its lock; None while it is loading.
    """
    blueprint = Blueprint("analyze", __name__)

    @blueprint.post("/analyze")
    def analyze() -> Response:
        if request.mimetype not in JSON_TYPES:
            return outcome(415, "Send the body as application/json.")
        focus = _focus(request.get_data())
        at_work = line_and_model()
        if at_work is None:
            raise Unavailable("model", "it is still loading")
        line, model = at_work
        bearer = _bearer()
        if line.settings.fhir_client_id and not bearer:
            return outcome(
                401, "Send the EHR's access token of the caller in the Authorization header."
            )
        with open_ehr(line.settings, bearer=bearer) if bearer else nullcontext(line.ehr) as ehr:
            response = jsonify(_previewed(line, ehr, focus, model))
        response.content_type = FHIR_JSON
        return response

    return blueprint


def _previewed(line: Line, ehr: Ehr, focus: str, model: Callable[[Any], Any]) -> dict[str, Any]:
    resource = ehr.read(focus)
    if resource is None:
        raise Withdrawn(focus)
    event = event_of(resource, "update")
    if not line.service.accepts(event):
        raise NotAnalysed(
            f"The {line.service.name} service does not accept this resource: its type, status or "
            "codes are not among those it reads."
        )
    try:
        return preview(line, ehr, event, model)
    except InvalidInput as error:
        # The request was well-formed: what it points at is not.
        raise NotAnalysed(error.reason) from None


def _focus(body: bytes) -> str:
    value = loads(body)
    if not isinstance(value, dict) or set(value) != {"focus"}:
        raise InvalidInput('The body must be {"focus": "Type/id"}.')
    focus = value["focus"]
    if not isinstance(focus, str) or not REFERENCE.fullmatch(focus):
        raise InvalidInput("`focus` must be `Type/id`, relative to the EHR's base.")
    return focus


def _bearer() -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
