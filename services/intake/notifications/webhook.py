"""The door that the EHR knocks on.

Nothing is acknowledged before it is on the event log.
"""

import hmac
import logging
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from services.intake.notifications.marked import Marked
from services.intake.notifications.notification import Notification, parse
from services.intake.notifications.subscriptions import SECRET_HEADER
from services.intake.state import State
from services.intake.watched import Watch
from shared.ehr.client import Ehr
from shared.errors import FhirError, InvalidInput
from shared.references import REFERENCE
from shared.text.strict_json import loads
from shared.web.app import outcome
from shared.web.openapi import answer, errors

log = logging.getLogger(__name__)
RESPONSES: dict[str, Any] = {"200": {"description": "published"}, **errors(400, 401, 404, 413, 503)}


def paths(watch: Watch) -> dict[str, Any]:
    """Return the OpenAPI paths of intake's doors."""
    kind = _path_parameter("kind", {"type": "string", "enum": list(watch.swept)})
    focus = [_path_parameter(name, {"type": "string"}) for name in ("type", "id")]
    notify = {
        "operationId": "notify",
        "summary": "A rest-hook notification: Backport, or classic (empty)",
        "parameters": [kind],
        "requestBody": {"content": {"application/fhir+json": {"schema": {"type": "object"}}}},
        "responses": RESPONSES,
        "security": [{"secret": []}],
    }
    notify_resource = {
        "operationId": "notify_resource",
        "summary": "A classic rest-hook notification with payload; only type and id are used",
        "parameters": [kind, *focus],
        "responses": RESPONSES,
        "security": [{"secret": []}],
    }
    swept = {
        "operationId": "swept",
        "summary": "When the newest complete sweep began",
        "responses": {"200": answer("swept")},
    }
    return {
        "/notify/{kind}": {"post": notify},
        "/notify/{kind}/{type}/{id}": {"put": notify_resource},
        "/sweep": {"get": swept},
    }


def _path_parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


@dataclass(frozen=True)
class Doorway:
    """What a notification sets in motion."""

    ehr: Ehr
    marked: Marked
    state: State

    @property
    def watched(self) -> tuple[str, ...]:
        """The types with notifications."""
        return self.marked.sweep.publisher.watch.swept

    def hear(self, kind: str, notification: Notification) -> None:
        """Publish its foci; fill a gap in the numbers, too.

        A handshake says from which number on none may be missing.

        Raises:
            Unavailable: not everything is published.
        """
        subscription = notification.subscription
        if notification.kind == "handshake" and subscription:
            self.state.start_event_count(subscription, notification.before or 0)
        if notification.kind != "event-notification":
            return
        missed = self._gap(notification)
        if missed is None and notification.names_all:
            self.marked.foci(notification.foci)
        else:
            self.marked.kind(kind, [*(missed or ()), *notification.foci])
        if notification.last is not None and subscription:
            self.state.record_event_number(subscription, notification.last)

    def _gap(self, notification: Notification) -> tuple[str, ...] | None:
        """Return the foci of the skipped numbers; None without a gap.

        Only as far as the EHR tells them.
        """
        subscription, first = notification.subscription, notification.first
        known = self.state.number(subscription) if subscription else None
        if not subscription or known is None or first is None or first <= known + 1:
            return None
        log.warning("%s skipped %d events", subscription, first - known - 1)
        # the type is swept, too: the EHR may have no $events
        return self._missed(subscription, known + 1, first - 1)

    def _missed(self, subscription: str, first: int, last: int) -> tuple[str, ...]:
        try:
            bundle = self.ehr.operation(
                f"{subscription}/$events",
                {"eventsSinceNumber": str(first), "eventsUntilNumber": str(last)},
            )
        except FhirError as error:
            log.info("no $events there (%d): the sweep fills the gap", error.status)
            return ()
        try:
            return parse(bundle).foci
        except InvalidInput as error:
            log.warning("$events: %s The sweep fills the gap", error)
            return ()


def webhook(doorway: Doorway, secret: str) -> Blueprint:
    """The routes, guarded by the secret that the EHR sends back."""
    blueprint = Blueprint("webhook", __name__)
    expected = secret.encode()

    def is_watched(kind: str) -> bool:
        return kind in doorway.watched

    def refused(kind: str) -> Response | None:
        if not hmac.compare_digest(request.headers.get(SECRET_HEADER, "").encode(), expected):
            return outcome(401, f"The header {SECRET_HEADER} is missing or wrong.")
        return None if is_watched(kind) else outcome(404, "careloop does not watch this type.")

    @blueprint.post("/notify/<kind>")
    def notify(kind: str) -> Response:
        if answer := refused(kind):
            return answer
        body = request.get_data()
        if body.strip():
            doorway.hear(kind, parse(loads(body)))
        else:
            doorway.marked.kind(kind)
        return Response(status=200)

    @blueprint.put("/notify/<kind>/<resource_type>/<logical_id>")
    def notify_resource(kind: str, resource_type: str, logical_id: str) -> Response:
        if answer := refused(kind):
            return answer
        if not is_watched(resource_type):
            return outcome(404, "careloop does not watch this type.")
        if REFERENCE.fullmatch(reference := f"{resource_type}/{logical_id}"):
            doorway.marked.foci([reference])
        else:
            doorway.marked.kind(resource_type)
        return Response(status=200)

    return blueprint
