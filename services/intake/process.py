"""The intake process.

HTTP first (so that probes answer), then the EHR, the event log, webhook, sweep and keeper around
one publisher.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, jsonify

from services.intake.health import Health
from services.intake.notifications.marked import Marked
from services.intake.notifications.registered import Registered
from services.intake.notifications.subscriptions import Keeper
from services.intake.notifications.webhook import Doorway, paths, webhook
from services.intake.publish import Publisher
from services.intake.state import State
from services.intake.sweep import Sweep
from services.intake.watched import installed
from shared.ehr.auth.scopes import permissions, scope_text
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.errors import FhirError, Misconfigured, Unavailable
from shared.runtime.metrics import Metrics
from shared.settings import Settings
from shared.stream.base import EVENTS_TOPIC, Log, Sink
from shared.stream.open import open_log
from shared.web.app import Probes, Serving, create_app, serve
from shared.web.process import require_topics, until

log = logging.getLogger(__name__)
HTTP_THREADS = 32
"""A notification waits on one of these until it is published, up to 5 s; the probes need some."""


def intake_permissions(*, subscribes: bool = True) -> dict[str, str]:
    """Subscriptions of its own, and reading what it sweeps; by resource type."""
    return permissions(
        installed().swept, (), common={"Subscription": "crus", "Basic": "rs"} if subscribes else {}
    )


def intake_scopes() -> str:
    """What it asks the token endpoint for."""
    return scope_text(intake_permissions())


@dataclass(frozen=True)
class Intake:
    """All parts of one intake."""

    settings: Settings
    ehr: Ehr
    log: Log
    sink: Sink
    state: State
    stop: threading.Event
    health: Health
    sweep: Sweep
    keeper: Keeper
    marked: Marked

    def start(self) -> list[threading.Thread]:
        """Wait for the EHR and the event log, then set the sweep and the keeper to work."""
        self._wait("the EHR", lambda: tell_what_is_missing(self.ehr, self.settings))
        self._wait("the event log", lambda: require_topics(self.log, []))
        self.health.waiting = None
        if self.stop.is_set():
            return []
        keeping = (
            [_thread("keeper", lambda: self.keeper.run(self.sweep.stop))]
            if self.settings.intake_webhook_url
            else []
        )
        return [_thread("sweep", self.sweep.run), *keeping]

    def _wait(self, what: str, step: Callable[[], None]) -> None:
        self.health.waiting = what
        until(step, self.stop, lambda why: setattr(self.health, "waiting", why))

    def _unready(self) -> list[str]:
        try:
            return self.health.unready(self.state.swept(), self.settings.intake_sweep_sec)
        except Unavailable as error:
            return [str(error)]

    def serve(self, metrics: Metrics) -> Serving:
        """The HTTP doors."""
        probes = Probes(self._unready, metrics.registry)
        app = create_app(
            "intake",
            probes,
            title="events from the EHR",
            max_body_bytes=self.settings.http_max_body_bytes,
            paths=paths(self.sweep.publisher.watch),
        )
        if secret := self.settings.intake_webhook_secret:
            doorway = Doorway(self.ehr, self.marked, self.state)
            app.register_blueprint(webhook(doorway, secret.get_secret_value()), url_prefix="")
        app.register_blueprint(_swept(self.state))
        serving = serve(app, self.settings.http_host, self.settings.http_port, HTTP_THREADS)
        log.info("intake listens on port %d", serving.port)
        return serving


def run_intake(settings: Settings, stop: threading.Event) -> None:
    """Run until `stop` is set. Installs no signal handler.

    Raises:
        Misconfigured: a webhook URL without a secret, a state folder that can't be written, no FHIR
            API at the URL.
    """
    if settings.intake_webhook_url and not settings.intake_webhook_secret:
        raise Misconfigured(
            "CARELOOP_INTAKE_WEBHOOK_URL needs CARELOOP_INTAKE_WEBHOOK_SECRET, or anybody could "
            "knock"
        )
    metrics = Metrics("intake")
    health, opened = Health(metrics.registry), list[Intake]()
    until(
        lambda: opened.append(_open(settings, stop, health)), stop
    )  # a full disk is no wrong setting: wait for room
    if not opened:
        return
    [intake] = opened
    serving, threads = intake.serve(metrics), list[threading.Thread]()
    try:
        threads = intake.start()
        while not stop.wait(0.2):
            if dead := [t.name for t in threads if not t.is_alive()]:
                raise RuntimeError(
                    f"the {dead[0]} ended; its error stands above"
                )  # a fault of ours: a new start may mend it
    finally:
        _close(intake, serving, threads)


def _open(settings: Settings, stop: threading.Event, health: Health) -> Intake:
    """Connects to nothing yet, except an event log that is a file."""
    event_log, ending = open_log(settings), threading.Event()
    state = State(settings.state_dir / "intake.sqlite")
    ehr, sink = open_ehr(settings, intake_scopes()), event_log.sink()
    publisher, asked = Publisher(ehr, sink, state, threading.Lock(), health), threading.Event()
    sweep = Sweep(
        publisher, state, settings, asked, lambda: event_log.identity(EVENTS_TOPIC), ending
    )
    keeper, marked = Keeper(ehr, settings, asked, Registered(state)), Marked(sweep)
    return Intake(settings, ehr, event_log, sink, state, stop, health, sweep, keeper, marked)


def _close(intake: Intake, serving: Serving, threads: list[threading.Thread]) -> None:
    """The threads end before what they use is closed.

    One that hangs keeps it open until the process ends.
    """
    intake.sweep.stop.set()
    intake.sweep.asked.set()
    serving.close()
    intake.marked.close(intake.settings.shutdown_sec)
    for thread in threads:
        thread.join(timeout=intake.settings.shutdown_sec)
    if hanging := [thread.name for thread in threads if thread.is_alive()]:
        log.warning("the %s did not end in time", " and the ".join(hanging))
        return
    intake.sink.close()
    intake.state.close()
    intake.ehr.close()


def tell_what_is_missing(ehr: Ehr, settings: Settings) -> None:
    """Log what this EHR lacks of what intake reads: the rest is watched all the same.

    Raises:
        Misconfigured: no FHIR API answers there.
    """
    try:
        missing = ehr.missing(intake_permissions(subscribes=bool(settings.intake_webhook_url)))
    except FhirError as error:
        raise Misconfigured(
            f"CARELOOP_FHIR_URL: {error}; the base of a FHIR R4 API is needed, one that answers "
            "GET metadata"
        ) from None
    if missing:
        log.warning(
            "the EHR at CARELOOP_FHIR_URL lacks: %s. What is missing stays unwatched; `careloop "
            "doctor` tells more",
            ", ".join(missing),
        )


def _thread(name: str, work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread


def _swept(state: State) -> Blueprint:
    blueprint = Blueprint("swept", __name__)

    @blueprint.get("/sweep")
    def swept() -> Response:
        return jsonify({"complete": state.swept()})

    return blueprint
