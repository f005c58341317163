"""One process, one service.

HTTP comes first, so that probes answer; then the model, the EHR's capabilities, the event log, the
runtime.
"""

import gc
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from shared.ehr.auth.scopes import permissions_of, scopes_of
from shared.ehr.client import Ehr
from shared.ehr.guard.abilities import Abilities
from shared.ehr.opening import open_ehr
from shared.ehr.proof import prove
from shared.errors import FhirError, Misconfigured, Unavailable
from shared.privacy.access_log import AccessLog
from shared.runtime.line import Line, at_ehr
from shared.runtime.loop import Runtime
from shared.runtime.metrics import Metrics
from shared.service import Service
from shared.settings import Settings
from shared.stream.base import Log
from shared.stream.open import open_log
from shared.web.analyze import analyze_route
from shared.web.app import Probes, create_app, serve
from shared.web.openapi import ANALYZE

log = logging.getLogger(__name__)
ASK_AGAIN_SEC = 2.0


@dataclass
class _State:
    """The state of the start, for the probes and /analyze."""

    access_log: AccessLog
    waiting: list[str] = field(default_factory=lambda: ["the model"])
    runtime: Runtime | None = None

    def wait_for(self, what: str) -> None:
        self.waiting = [what]

    def unready(self) -> Sequence[str]:
        return self.waiting or (self.runtime.ready() if self.runtime else ["the runtime"])

    def at_work(self) -> tuple[Line, Callable[[Any], Any]] | None:
        return (self.runtime.line, self.runtime.model.one) if self.runtime else None


def run_service(service: Service, settings: Settings, stop: threading.Event) -> None:
    """Run until `stop` is set. Installs no signal handler.

    Raises:
        Misconfigured: the message says what to do.
    """
    with closing(AccessLog(settings.state_dir / "access", service.name)) as access_log:
        _run(service, settings, stop, _State(access_log))


def _run(service: Service, settings: Settings, stop: threading.Event, state: _State) -> None:
    metrics = Metrics(service.name)
    probes = Probes(state.unready, metrics.registry)
    app = create_app(
        service.name,
        probes,
        title=service.title,
        max_body_bytes=settings.http_max_body_bytes,
        paths=ANALYZE,
    )
    app.register_blueprint(analyze_route(state.at_work))
    serving = serve(app, settings.http_host, settings.http_port)
    log.info("%s listens on port %d", service.name, serving.port)
    try:
        runtime = _runtime(service, settings, metrics, state, stop)
        if runtime is not None:
            metrics.lag.labels(service.name).set_function(runtime.lag)
            # Code and model stay for good. A full collection that walks them stops every thread
            # for 0.1 s, or longer with torch.
            gc.freeze()
            runtime.run(stop)
    finally:
        serving.close()


def _runtime(
    service: Service, settings: Settings, metrics: Metrics, state: _State, stop: threading.Event
) -> Runtime | None:
    model = service.load(settings)
    ehr = open_ehr(settings, scopes_of(service), sent=metrics.sent)
    state.waiting = ["the EHR"]
    until(lambda: require_capabilities(ehr, permissions_of(service)), stop, state.wait_for)
    proven: list[Abilities] = []
    until(lambda: proven.append(prove(ehr)), stop, state.wait_for)
    ehr = ehr.able(proven[0]) if proven else ehr
    event_log = open_log(settings)
    state.waiting = ["the event log"]
    until(lambda: require_topics(event_log, [service.name]), stop, state.wait_for)
    if stop.is_set():
        return None
    line = Line(service, ehr, model, settings, at_ehr(ehr), state.access_log)
    state.runtime, state.waiting = Runtime(line, event_log, metrics), []
    return state.runtime


def until(
    step: Callable[[], None], stop: threading.Event, report: Callable[[str], None] = lambda _: None
) -> None:
    """Take a step of the start, again and again while a dependency is away.

    Args:
        report: called with what it waits for.
    """
    missing: str | None = None
    while not stop.is_set():
        try:
            step()
        except Unavailable as error:
            report(str(error))
            missing = error.dependency
            log.warning("%s; asking until it answers", error, extra=error.outage)
            stop.wait(ASK_AGAIN_SEC)
        else:
            if missing:
                log.warning("%s is available now", missing, extra={"back": missing})
            return


def require_capabilities(ehr: Ehr, needs: Mapping[str, str]) -> None:
    """Check the EHR's capabilities; Misconfigured lists the missing ones.

    It is also raised where no EHR answers.
    """
    try:
        missing = ehr.missing(needs)
    except FhirError as error:
        raise Misconfigured(
            f"CARELOOP_FHIR_URL: {error}; the base of a FHIR R4 API is needed, one that answers "
            "GET metadata"
        ) from None
    if missing:
        raise Misconfigured(
            f"the EHR at CARELOOP_FHIR_URL lacks: {', '.join(missing)}. Put a FHIR server that has "
            "them beside it, or fix its CapabilityStatement"
        )


def require_topics(event_log: Log, services: Sequence[str]) -> None:
    """Check the topics; Unavailable while they are missing: somebody may create them."""
    missing = event_log.missing_topics(services)
    if missing:
        raise Unavailable("broker", f"no topic {', '.join(missing)}: run `careloop topics`")
