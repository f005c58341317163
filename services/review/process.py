"""The review process: the pages on HTTP, and nothing else.

It reads and writes the EHR only when a person asks.
"""

import logging
import threading
from typing import Final

from services.review.app import create_review_app
from shared.ehr.auth.scopes import COMMON, permissions, scope_text
from shared.ehr.opening import open_ehr
from shared.fhir import lifecycle
from shared.settings import Settings
from shared.web.app import serve

log = logging.getLogger(__name__)
DECIDED: Final = frozenset(lifecycle.STATUS)
"""What a signature or rejection changes; nothing is ever made anew or deleted."""
SHOWN: Final = frozenset(
    {
        "AllergyIntolerance",
        "Binary",
        "Endpoint",
        "ImagingStudy",
        "Medication",
        "MedicationStatement",
        "Practitioner",
    }
)
THREADS: Final = 8


def review_scopes() -> str:
    """Reading what the pages show, updating what is decided."""
    return scope_text(
        permissions(SHOWN | DECIDED, (), common={**COMMON, **dict.fromkeys(DECIDED, "ru")})
    )


def run_review(settings: Settings, stop: threading.Event) -> None:
    """Serve until `stop` is set. Installs no signal handler.

    Raises:
        Misconfigured: the settings of the login or of the roles contradict each other.
    """
    ehr = open_ehr(settings, review_scopes())
    try:
        serving = serve(
            create_review_app(settings, ehr), settings.http_host, settings.http_port, THREADS
        )
        log.info("review listens on port %d", serving.port)
        stop.wait()
        serving.close()
    finally:
        ehr.close()
