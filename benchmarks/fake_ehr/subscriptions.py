"""Subscriptions: classic R4 rest-hooks and Backport topics.

Delivered over real HTTP, lost and repeated as the real servers do.
"""

import queue
import threading
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

import httpx

from benchmarks.fake_ehr import search
from benchmarks.fake_ehr.habits import Habits
from benchmarks.fake_ehr.store import Store, Stored
from shared import instants
from shared.fhir import codes
from shared.json import Json
from shared.references import local_reference, subject_of

Deliver = Callable[[], bool]

SILENT: Final = frozenset({"Subscription", "AuditEvent"})
FHIR_JSON: Final = "application/fhir+json; charset=utf-8"


class Subscriptions:
    """Looks at every write and notifies on a thread of its own.

    So that a slow subscriber holds up nobody.

    Args:
        base: what the notifications call the server.
        set_status: `(subscription id, status)`: the server's own update of a Subscription.
    """

    def __init__(
        self, habits: Habits, store: Store, base: str, set_status: Callable[[str, str], None]
    ) -> None:
        self._habits = habits
        self._store = store
        self._base = base
        self._set_status = set_status
        self._counts: dict[str, int] = {}
        self._waiting: queue.Queue[tuple[str, Deliver] | None] = queue.Queue()
        self._client = httpx.Client(timeout=5, trust_env=False)
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._deliver_all, name="fake-ehr-notifications", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop delivering; what waits is lost, as it is when a server is killed."""
        self._stopped.set()
        self._waiting.put(None)
        self._thread.join(10)
        self._client.close()

    def committed(self, written: list[Stored]) -> None:
        """React to what was written."""
        for stored in written:
            if stored.kind == "Subscription":
                if stored.resource and stored.resource.get("status") == "requested":
                    self._activate(stored.resource)
            elif stored.resource is not None and stored.kind not in SILENT:
                for subscription in list(self._store.all("Subscription")):
                    if subscription.get("status") == "active":
                        self._event(subscription, stored.resource)

    def status(self, subscription: Json) -> Json:
        """`$status`: a searchset with one SubscriptionStatus (as Parameters)."""
        parameters = self._parameters(subscription, "query-status", [])
        return {
            "resourceType": "Bundle",
            "type": "searchset",
            "entry": [{"resource": parameters, "search": {"mode": "match"}}],
        }

    def _activate(self, subscription: Json) -> None:
        if not subscription.get("channel", {}).get("endpoint"):
            self._waiting.put((subscription["id"], lambda: self._mark(subscription["id"], "error")))
        elif not _by_topic(subscription) or not self._habits.handshakes:
            self._waiting.put(
                (subscription["id"], lambda: self._mark(subscription["id"], "active"))
            )
        elif subscription["criteria"] in self._habits.topics:
            self._waiting.put((subscription["id"], lambda: self._handshake(subscription)))
        else:
            self._waiting.put((subscription["id"], lambda: self._mark(subscription["id"], "error")))

    def _mark(self, subscription_id: str, status: str) -> bool:
        self._set_status(subscription_id, status)
        return True

    def _handshake(self, subscription: Json) -> bool:
        bundle = _history_bundle(
            self._parameters({**subscription, "status": "requested"}, "handshake", [])
        )
        return self._post(subscription, bundle) and self._mark(subscription["id"], "active")

    def _event(self, subscription: Json, resource: Json) -> None:
        if _by_topic(subscription):
            if self._habits.handshakes and resource["resourceType"] in self._habits.topics.get(
                subscription["criteria"], ()
            ):
                self._topic_event(subscription, resource)
            return
        kind, _, criteria = subscription["criteria"].partition("?")
        query = parse_qsl(criteria, keep_blank_values=True)
        if kind == resource["resourceType"] and search.matches(self._habits, resource, query):
            self._waiting.put((subscription["id"], lambda: self._classic(subscription, resource)))

    def _topic_event(self, subscription: Json, resource: Json) -> None:
        number = self._counts[subscription["id"]] = self._counts.get(subscription["id"], 0) + 1
        focus = f"{self._base}/{local_reference(resource)}"
        parts: list[Json] = [
            {"name": "event-number", "valueString": str(number)},
            {"name": "timestamp", "valueInstant": instants.now()},
        ]
        content = _content(subscription)
        if content != "empty":
            parts.append({"name": "focus", "valueReference": {"reference": focus}})
            if subject := subject_of(resource):
                parts.append(
                    {
                        "name": "additional-context",
                        "valueReference": {"reference": f"{self._base}/{subject}"},
                    }
                )
        bundle = _history_bundle(
            self._parameters(
                subscription, "event-notification", [{"name": "notification-event", "part": parts}]
            )
        )
        if content == "full-resource":
            bundle["entry"].append({"fullUrl": focus, "resource": resource})
        self._waiting.put((subscription["id"], lambda: self._post(subscription, bundle)))

    def _parameters(self, subscription: Json, kind: str, events: list[Json]) -> Json:
        reference = {"reference": f"{self._base}/Subscription/{subscription['id']}"}
        count = str(self._counts.get(subscription["id"], 0))
        parameters: list[Json] = [
            {"name": "subscription", "valueReference": reference},
            {"name": "topic", "valueCanonical": subscription["criteria"]},
            {"name": "status", "valueCode": subscription["status"]},
            {"name": "type", "valueCode": kind},
            {"name": "events-since-subscription-start", "valueString": count},
        ]
        return {
            "resourceType": "Parameters",
            "meta": {"profile": [f"{codes.BACKPORT}/backport-subscription-status-r4"]},
            "parameter": [*parameters, *events],
        }

    def _classic(self, subscription: Json, resource: Json) -> bool:
        channel = subscription["channel"]
        endpoint = channel["endpoint"].rstrip("/")
        if channel.get("payload"):
            return self._send(
                "PUT",
                f"{endpoint}/{local_reference(resource)}",
                channel,
                json=resource,
            )
        empty = (
            {"Content-Type": "application/x-www-form-urlencoded"}
            if self._habits.coalesces_empty
            else {}
        )
        return self._send("POST", endpoint, channel, headers=empty)

    def _post(self, subscription: Json, bundle: Json) -> bool:
        return self._send(
            "POST", subscription["channel"]["endpoint"], subscription["channel"], json=bundle
        )

    def _send(
        self,
        method: str,
        url: str,
        channel: Json,
        *,
        json: Json | None = None,
        headers: dict[str, str] | None = None,
    ) -> bool:
        sent = dict(headers or {}) | ({"Content-Type": FHIR_JSON} if json is not None else {})
        for line in channel.get("header", []):
            name, _, value = line.partition(":")
            sent[name.strip()] = value.strip()
        try:
            return self._client.request(method, url, json=json, headers=sent).is_success
        except httpx.TransportError:
            return False

    def _deliver_all(self) -> None:
        while (item := self._waiting.get()) is not None and not self._stopped.is_set():
            subscription_id, deliver = item
            if self._habits.coalesces_empty and self._is_repeated(subscription_id):
                continue
            self._attempt(subscription_id, deliver)

    def _is_repeated(self, subscription_id: str) -> bool:
        """An empty notification of the same Subscription waits already: one is enough."""
        subscription = self._store.current("Subscription", subscription_id)
        if (
            subscription is None
            or subscription.get("status") != "active"
            or subscription["channel"].get("payload")
        ):
            return False
        with self._waiting.mutex:
            return any(
                item is not None and item[0] == subscription_id for item in self._waiting.queue
            )

    def _attempt(self, subscription_id: str, deliver: Deliver) -> None:
        for wait in self._habits.delivery_waits_sec:
            if deliver():
                return
            if self._stopped.wait(wait):
                return
        if self._habits.retries_for_ever:
            threading.Timer(
                self._habits.delivery_waits_sec[-1], self._waiting.put, [(subscription_id, deliver)]
            ).start()
        else:
            self._set_status(subscription_id, "error")


def shown(habits: Habits, resource: Json) -> Json:
    """The resource as a read shows it: a Subscription's headers may be secrets."""
    channel = resource.get("channel", {})
    if resource["resourceType"] != "Subscription" or habits.subscription_headers == "shown":
        return resource
    rest = {k: v for k, v in channel.items() if k != "header"}
    masked = {"header": ["*****"]} if habits.subscription_headers == "masked" else {}
    return resource | {"channel": rest | masked}


def _by_topic(subscription: Json) -> bool:
    return "://" in subscription.get("criteria", "") and "?" not in subscription["criteria"]


def _content(subscription: Json) -> str:
    extensions = subscription["channel"].get("_payload", {}).get("extension", [])
    return next(
        (
            e["valueCode"]
            for e in extensions
            if e.get("url", "").endswith("backport-payload-content")
        ),
        "empty",
    )


def _history_bundle(parameters: Json) -> Json:
    return {
        "resourceType": "Bundle",
        "type": "history",
        "timestamp": instants.now(),
        "entry": [{"resource": parameters}],
    }
