"""The sweep: everything that changed since the cursor, whatever was or was not notified. It runs always.

Servers show a big transaction late and stamp it with one instant, so each sweep looks back behind its cursor and drops what it saw.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.intake.publish import WATCHED, Publisher
from services.intake.state import State
from shared.errors import FhirError, Unavailable
from shared.fhir.client import Version
from shared.fhir.instants import instant, now, parse
from shared.settings import Settings

log = logging.getLogger(__name__)
BATCH = 500
REMEMBERED = timedelta(hours=1)  # beyond the overlap: a server that is late by more than this loses only the deduplication


@dataclass(frozen=True)
class Sweep:
    """Sweeps all watched types."""

    publisher: Publisher
    state: State
    settings: Settings
    asked: threading.Event

    def run(self, stop: threading.Event) -> None:
        """Sweep at once, then every `intake_sweep_sec` and whenever somebody asked for it."""
        while not stop.is_set():
            self.asked.clear()
            try:
                self.all()
            except (Unavailable, FhirError) as error:
                log.warning("sweep put off: %s", error)
            self.asked.wait(self.settings.intake_sweep_sec)

    def all(self) -> None:
        """Every watched type once; remembered as complete only when none failed."""
        began = now()
        for kind in WATCHED:
            self.kind(kind)
        self.state.complete(began)
        overlap = timedelta(seconds=self.settings.intake_overlap_sec)
        self.state.forget_before(instant(parse(began) - overlap - REMEMBERED))

    def kind(self, kind: str) -> int:
        """One type from its cursor on; return how many events were new."""
        cursor = self.state.cursor(kind) or self._first_start(kind)
        since = instant(parse(cursor) - timedelta(seconds=self.settings.intake_overlap_sec))
        versions = [_light(v) for v in self.publisher.ehr.history(kind, since)]
        new = sum(self.publisher.versions(part) for part in _parts(sorted(versions, key=lambda v: v.time)))
        if versions:
            self.state.advance(kind, instant(parse(max(v.time for v in versions))))
        if new:
            log.info("sweep found %d new versions of %s", new, kind)
        return new

    def _first_start(self, kind: str) -> str:
        """Kept at once, so that a restart before the first change does not move it."""
        since = instant(parse(self.settings.intake_since)) if self.settings.intake_since else now()
        self.state.advance(kind, since)
        return since


def _parts(versions: Sequence[Version]) -> Sequence[Sequence[Version]]:
    return [versions[i : i + BATCH] for i in range(0, len(versions), BATCH)]


def _light(version: Version) -> Version:
    """Without attachments: a page of notes and genomes must not fill the memory while the rest is fetched."""
    if version.resource is None or "content" not in version.resource:
        return version
    contents = [c | {"attachment": {k: v for k, v in c.get("attachment", {}).items() if k != "data"}} for c in version.resource["content"]]
    return Version(version.reference, version.version, version.time, version.deleted, version.resource | {"content": contents})
