"""The intake process: webhook, sweep and keeper around one publisher."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Blueprint, Response, jsonify

from services.intake.publish import WATCHED, Publisher
from services.intake.state import State
from services.intake.subscriptions import Keeper
from services.intake.sweep import Sweep
from services.intake.webhook import PATHS, Doorway, webhook
from shared.errors import Misconfigured
from shared.fhir.client import Ehr, open_ehr
from shared.fhir.scopes import permissions, scope_text
from shared.http import Probes, create_app, serve
from shared.metrics import Metrics
from shared.process import require_topics, until
from shared.settings import Settings
from shared.stream.base import Sink
from shared.stream.open import open_log

log = logging.getLogger(__name__)


@dataclass
class _Health:
    """What keeps intake from its work."""

    waiting: list[str] = field(default_factory=lambda: ["the first sweep"])


def intake_scopes() -> str:
    """Subscriptions of its own, and reading what it watches."""
    return scope_text(permissions({*WATCHED, "Basic"}, (), common={"Subscription": "crus"}))


def run_intake(settings: Settings, stop: threading.Event) -> None:
    """Run until `stop` is set. Installs no signal handler.

    Raises:
        Misconfigured: a webhook URL without a secret, a state folder that can't be written, a missing topic.
    """
    if settings.intake_webhook_url and not settings.intake_webhook_secret:
        raise Misconfigured("CARELOOP_INTAKE_WEBHOOK_URL needs CARELOOP_INTAKE_WEBHOOK_SECRET, or anybody could knock")
    event_log = open_log(settings)
    until(lambda: require_topics(event_log, []), stop)
    ehr, sink, state = open_ehr(settings, intake_scopes()), event_log.sink(), State(settings.state_dir / "intake.sqlite")
    try:
        _serve(settings, ehr, sink, state, stop)
    finally:
        sink.close()
        state.close()


def _serve(settings: Settings, ehr: Ehr, sink: Sink, state: State, stop: threading.Event) -> None:
    asked, metrics = threading.Event(), Metrics("intake")
    publisher = Publisher(ehr, sink, state, threading.Lock())
    sweep = Sweep(publisher, state, settings, asked)
    health = _Health()
    app = create_app(
        "intake", Probes(lambda: health.waiting, metrics.registry), title="events from the EHR", max_body_bytes=settings.http_max_body_bytes, paths=PATHS
    )
    if settings.intake_webhook_secret:
        doorway = Doorway(ehr, publisher, sweep, state, asked)
        app.register_blueprint(webhook(doorway, settings.intake_webhook_secret.get_secret_value()), url_prefix="")
    app.register_blueprint(_swept(state))
    serving = serve(app, settings.http_host, settings.http_port)
    log.info("intake listens on port %d", serving.port)
    keeper = Keeper(ehr, settings, asked)
    threads = [_thread("sweep", lambda: sweep.run(stop)), _thread("keeper", lambda: keeper.run(stop))]
    try:
        while not stop.wait(0.2):
            health.waiting = [] if state.swept() else ["the first sweep"]
            if dead := [t.name for t in threads if not t.is_alive() and t.name == "sweep"]:
                raise Misconfigured(f"the {dead[0]} ended; its error stands above")
    finally:
        asked.set()
        for thread in threads:
            thread.join(timeout=settings.shutdown_sec)
        serving.close()


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
