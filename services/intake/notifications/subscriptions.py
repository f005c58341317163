"""Our Subscriptions at the EHR: registered once, looked after always.

They only make careloop faster; the sweep makes it complete.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.intake.notifications.topics import TOPIC_CODE, fitting
from services.intake.watched import Watch, installed
from shared.ehr.capabilities import subscription_topics
from shared.ehr.client import Ehr
from shared.errors import Conflict, FhirError, Unavailable
from shared.fhir import codes
from shared.json import Json
from shared.references import version_of
from shared.settings import Settings
from shared.web.logs import trace

log = logging.getLogger(__name__)
SECRET_HEADER = "X-Careloop-Secret"  # noqa: S105  # the header's name
HEARTBEAT_SEC = 60
PROFILE = f"{codes.BACKPORT}/backport-subscription"


@dataclass(frozen=True)
class Keeper:
    """Registers what is missing and revives what the EHR gave up.

    Args:
        on_silence: called when a Subscription had to be made or revived: what happened meanwhile
            must be swept.
    """

    ehr: Ehr
    settings: Settings
    on_silence: threading.Event
    watch: Watch = field(default_factory=installed)

    def run(self, stop: threading.Event) -> None:
        """Look after them every `intake_subscription_check_sec`.

        Without a webhook URL there is nothing to do.
        """
        if not self.settings.intake_webhook_url:
            log.info("no CARELOOP_INTAKE_WEBHOOK_URL: no Subscriptions, the sweep alone")
            return
        while not stop.is_set():
            try:
                self.look_after()
            except (Unavailable, FhirError, Conflict) as error:
                log.warning("subscriptions put off: %s", error)
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
        for kind in self.watch.swept:
            try:
                self._stand(kind, topics)
            except FhirError as error:
                log.warning("no Subscription for %s: %s", kind, error)

    def _stand(self, kind: str, topics: Mapping[str, str]) -> None:
        try:
            self._look_after(self._wanted(kind, topics))
        except FhirError as error:
            if kind not in topics:
                raise
            log.warning(
                "the topic Subscription for %s is refused (%s): a classic one instead", kind, error
            )
            self._look_after(self._wanted(kind, {}))

    def _look_after(self, wanted: Json) -> None:
        standing = self._standing(wanted)
        if standing is None:
            self.ehr.create(wanted)
            self.on_silence.set()
        elif standing["status"] in ("error", "off"):
            self._revive(standing, wanted)

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

    def _standing(self, wanted: Json) -> Json | None:
        """Ours, by endpoint and criteria; a second one would double every event."""
        endpoint = wanted["channel"]["endpoint"]
        found = self.ehr.search("Subscription", {"url": endpoint})
        return next(
            (
                s
                for s in found
                if s.get("channel", {}).get("endpoint") == endpoint
                and s.get("criteria") == wanted["criteria"]
            ),
            None,
        )

    def _revive(self, standing: Json, wanted: Json) -> None:
        log.warning(
            "Subscription/%s is %s: asking for it again", standing["id"], standing["status"]
        )
        again = {k: v for k, v in standing.items() if k not in ("error", "meta")} | wanted
        self.ehr.update(again | {"id": standing["id"]}, version_of(standing))
        self.on_silence.set()


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
