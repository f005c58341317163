"""Our Subscriptions at the EHR: registered once, looked after always.

They only make careloop faster; the sweep makes it complete.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.intake.notifications.registered import Registered
from services.intake.notifications.topics import TOPIC_CODE, fitting
from services.intake.watched import Watch, installed
from shared.ehr.capabilities import subscription_topics
from shared.ehr.client import Ehr
from shared.errors import Conflict, FhirError, Unavailable
from shared.fhir import codes
from shared.json import Json
from shared.references import local_reference, version_of
from shared.settings import Settings
from shared.web.logs import trace

log = logging.getLogger(__name__)
SECRET_HEADER = "X-Careloop-Secret"  # noqa: S105  # the header's name
HEARTBEAT_SEC = 60
PROFILE = f"{codes.BACKPORT}/backport-subscription"


@dataclass(frozen=True)
class Keeper:
    """Registers, replaces and revives our Subscriptions.

    Args:
        on_silence: called when a Subscription had to be made or revived: what happened meanwhile
            must be swept.
    """

    ehr: Ehr
    settings: Settings
    on_silence: threading.Event
    registered: Registered
    watch: Watch = field(default_factory=installed)

    def run(self, stop: threading.Event) -> None:
        """Look after them every `intake_subscription_check_sec`.

        Without a webhook URL there is nothing to do.
        """
        if not self.settings.intake_webhook_url:
            log.info("no CARELOOP_INTAKE_WEBHOOK_URL: no Subscriptions, the sweep alone")
            return
        away: str | None = None
        while not stop.is_set():
            try:
                self.look_after()
                if away:
                    log.warning("%s answers again: Subscriptions too", away, extra={"back": away})
                away = None
            except (Unavailable, FhirError, Conflict) as error:
                marks = error.outage if isinstance(error, Unavailable) else {}
                away = marks.get("away")
                log.warning("subscriptions put off: %s", error, extra=marks)
            except (
                Exception
            ) as error:  # an answer of no known shape: the sweep needs no Subscriptions
                log.error(
                    "subscriptions put off: unexpected %s",
                    type(error).__name__,
                    extra={"traceback": trace(error)},
                )
            stop.wait(self.settings.intake_subscription_check_sec)

    def look_after(self) -> None:
        """Every swept type has one Subscription of ours that is `active` or about to be.

        Where the EHR refuses one, the sweep alone tells.
        """
        topics = self._topics()
        standing: set[str] = set()
        refused = 0
        for kind in self.watch.swept:
            try:
                standing.add(self._stand(kind, topics))
            except FhirError as error:
                log.warning("no Subscription for %s: %s", kind, error)
                refused += 1
        if not refused:  # else what stood before may be all that there is
            self._switch_off_others(frozenset(standing))

    def _stand(self, kind: str, topics: Mapping[str, str]) -> str:
        try:
            return self._look_after(self._wanted(kind, topics))
        except FhirError as error:
            if kind not in topics:
                raise
            log.warning(
                "the topic Subscription for %s is refused (%s): a classic one instead", kind, error
            )
            return self._look_after(self._wanted(kind, {}))

    def _look_after(self, wanted: Json) -> str:
        """Have it stand as it is wanted; return its reference."""
        found = self._standing(wanted)
        if not found:
            reference = self.ehr.create(wanted).reference
            self._note(reference, wanted)
            return reference

        for double in found[1:]:
            self._switch_off(double)
        standing = found[0]
        reference = local_reference(standing)
        if standing["status"] in ("error", "off"):
            log.warning("%s is %s: asking for it again", reference, standing["status"])
            self._replace(standing, wanted)
        elif self.registered.must_replace(reference, standing, wanted):
            log.warning("%s is not as it is wanted now: replacing it", reference)
            self._replace(standing, wanted)
        return reference

    def _replace(self, standing: Json, wanted: Json) -> None:
        kept = {k: v for k, v in standing.items() if k not in ("error", "meta", "end")}
        reference = local_reference(standing)
        self.ehr.update(kept | wanted | {"id": standing["id"]}, version_of(standing))
        self._note(reference, wanted)

    def _note(self, reference: str, wanted: Json) -> None:
        self.registered.note(reference, wanted)
        self.on_silence.set()

    def _switch_off_others(self, standing: frozenset[str]) -> None:
        """Switch off Subscriptions of ours no longer wanted.

        Such as one at a former endpoint, or of a type that nobody watches now. Only what we made
        ourselves is known: another careloop at the same EHR has Subscriptions of its own.
        """
        for reference in self.registered.others(standing):
            found = self.ehr.read(reference)
            if found is not None:
                self._switch_off(found)
            self.registered.forget(reference)

    def _switch_off(self, subscription: Json) -> None:
        if subscription.get("status") == "off":
            return
        log.warning("%s is wanted no more: switching it off", local_reference(subscription))
        off = {k: v for k, v in subscription.items() if k not in ("error", "meta")}
        self.ehr.update(off | {"status": "off"}, version_of(subscription))

    def _topics(self) -> Mapping[str, str]:
        listed = subscription_topics(self.ehr.capabilities())
        if not listed:
            return {}
        return fitting(listed, self.ehr.search("Basic", {"code": TOPIC_CODE}), self.watch.swept)

    def _wanted(self, kind: str, topics: Mapping[str, str]) -> Json:
        endpoint = f"{str(self.settings.intake_webhook_url).rstrip('/')}/{kind}"
        secret = self.settings.intake_webhook_secret
        assert secret is not None
        channel = {
            "type": "rest-hook",
            "endpoint": endpoint,
            "header": [f"{SECRET_HEADER}: {secret.get_secret_value()}"],
        }
        base = {
            "resourceType": "Subscription",
            "status": "requested",
            "reason": f"careloop intake: {kind}",
        }
        if kind in topics:
            return base | {
                "meta": {"profile": [PROFILE]},
                "criteria": topics[kind],
                "channel": channel | _backport_channel(),
            }
        return base | {
            "criteria": f"{kind}?",
            "channel": channel,
        }  # no payload: an empty POST, nobody's data on the way

    def _standing(self, wanted: Json) -> list[Json]:
        """Ours at this endpoint, the one to keep first.

        A second one would double every event.

        Each type has an endpoint of its own, so another criteria is a former one of ours.
        """
        endpoint = wanted["channel"]["endpoint"]
        found = self.ehr.search("Subscription", {"url": endpoint})
        ours = [s for s in found if (s.get("channel") or {}).get("endpoint") == endpoint]
        return sorted(ours, key=lambda s: (_rank(s, wanted), s["id"]))


def _rank(standing: Json, wanted: Json) -> tuple[bool, bool]:
    return standing.get("criteria") != wanted["criteria"], standing.get("status") == "off"


def _backport_channel() -> Json:
    return {
        "payload": "application/fhir+json",
        "_payload": {
            "extension": [
                {"url": f"{codes.BACKPORT}/backport-payload-content", "valueCode": "id-only"}
            ]
        },
        "extension": [
            {
                "url": f"{codes.BACKPORT}/backport-heartbeat-period",
                "valueUnsignedInt": HEARTBEAT_SEC,
            }
        ],
    }
