"""The door that the EHR knocks on.

Nothing is acknowledged before it is on the event log.
"""

import hmac
import logging
import threading
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from services.intake.notifications.notification import Notification, parse
from services.intake.notifications.subscriptions import SECRET_HEADER
from services.intake.publish import Publisher
from services.intake.state import State
from services.intake.sweep import Sweep
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
    publisher: Publisher
    sweep: Sweep
    state: State
    asked: threading.Event

    def hear(self, kind: str, notification: Notification) -> None:
        """Publish what it names; fill a gap in the numbers first.

        A handshake says from which number on none may be missing.
        """
        if notification.kind == "handshake":
            self.state.start_event_count(notification.subscription, notification.before or 0)
        if notification.kind != "event-notification":
            return
        self._fill_gap(kind, notification)
        if not notification.names_all:
            self.sweep.kind(kind)
        for focus in notification.foci:
            self.publish(focus)
        if notification.last is not None:
            self.state.record_event_number(notification.subscription, notification.last)

    def publish(self, focus: str) -> None:
        """Publish what a notification names.

        Where the EHR refuses to show it, the sweep may: an EHR that hears nothing but errors stops
        telling.
        """
        try:
            self.publisher.focus(focus)
        except FhirError as error:
            log.warning("what a notification named is left to the sweep: %s", error)
            self.asked.set()

    def _fill_gap(self, kind: str, notification: Notification) -> None:
        known = self.state.number(notification.subscription)
        if known is None or notification.first is None or notification.first <= known + 1:
            return
        log.warning(
            "%s skipped %d events", notification.subscription, notification.first - known - 1
        )
        for focus in self._missed(notification.subscription, known + 1, notification.first - 1):
            self.publish(focus)
        self.sweep.kind(kind)  # also where the EHR has no $events

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
        return kind in doorway.publisher.watch.swept

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
            doorway.sweep.kind(kind)
        return Response(status=200)

    @blueprint.put("/notify/<kind>/<resource_type>/<logical_id>")
    def notify_resource(kind: str, resource_type: str, logical_id: str) -> Response:
        if answer := refused(kind):
            return answer
        reference = f"{resource_type}/{logical_id}"
        if not is_watched(resource_type) or not REFERENCE.fullmatch(reference):
            return outcome(404, "careloop does not watch this type.")
        doorway.publish(reference)
        return Response(status=200)

    return blueprint
