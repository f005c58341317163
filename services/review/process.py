"""The review process: the pages on HTTP, and the feed of their worklist.

After the proof of the EHR's guards it reads what changed of the heads and their patients, and
writes only when a person asks.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.review.app import create_review_app, feed_of
from services.review.metrics import PageMetrics
from services.review.worklist.streams import MOST
from shared.ehr.auth.scopes import COMMON, TAKEN_BACK, permissions, scope_text
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.ehr.proof import prove
from shared.fhir import lifecycle
from shared.settings import Settings
from shared.web.app import serve
from shared.web.process import until

log = logging.getLogger(__name__)
DECIDED: Final = frozenset(lifecycle.STATUS)
"""What a signature or rejection changes, orders that it ends among them.

Nothing of these is ever made anew or deleted.
"""
SHOWN: Final = frozenset(
    {
        "AllergyIntolerance",
        "Binary",
        "Endpoint",
        "ImagingStudy",
        "Medication",
        "MedicationStatement",
        "Practitioner",
        "Specimen",
    }
)
THREADS: Final = 8 + MOST
"""Each held stream of changes takes one; a page waits for none of them."""


@dataclass
class _State:
    """The state of the start, for the probe."""

    waiting: Sequence[str] = ("the EHR",)

    def wait_for(self, what: str) -> None:
        self.waiting = (what,)

    def prove(self, ehr: Ehr) -> None:
        ehr.abilities = prove(ehr)
        self.waiting = ()


def review_scopes() -> str:
    """Reading what the pages show, updating what is decided."""
    common = {**COMMON, **TAKEN_BACK, **dict.fromkeys(DECIDED, "ru")}
    return scope_text(permissions(SHOWN | DECIDED, (), common=common))


def run_review(settings: Settings, stop: threading.Event) -> None:
    """Serve until `stop` is set. Installs no signal handler.

    Raises:
        Misconfigured: the settings of the login or of the roles contradict each other, or the EHR
            lacks a guard that a signature rests on.
    """
    state, metrics = _State(), PageMetrics()
    with open_ehr(settings, review_scopes(), sent=metrics.sent) as ehr:
        app = create_review_app(settings, ehr, lambda: state.waiting, metrics)
        feed = feed_of(app)
        feed.reserve()
        serving = serve(
            app, settings.http_host, settings.http_port, THREADS, proxies=settings.review_proxies
        )
        log.info("review listens on port %d", serving.port)
        try:
            until(lambda: state.prove(ehr), stop, state.wait_for)
            feeding = threading.Thread(target=feed.run, name="feed", daemon=True)
            feeding.start()
            stop.wait()
        finally:
            feed.close()
            serving.close()
