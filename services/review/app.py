"""The clinician's pages as a Flask blueprint.

`blueprint(settings, ehr)` to mount, `create_review_app` to run alone.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, cast
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, Response, g, request
from flask.blueprints import BlueprintSetupState

from services.review import account, clock, images, pages, present, problems, sign_off
from services.review.access import oidc, roles, session
from services.review.access.login import local_login
from services.review.access.security import configure_cookies, protect
from services.review.critical.limits import Limits, limits_of
from services.review.critical.measured import Overdue
from services.review.decision import fates
from services.review.disclosure import emergency
from services.review.lists import acknowledge, claims, show
from services.review.metrics import PageMetrics
from services.review.report import show as report
from services.review.state import EXTENSION, Review
from services.review.worklist import listing
from services.review.worklist.feed import Feed
from services.review.worklist.index import INDEX, Index
from services.review.worklist.kept.query import Filter
from services.review.worklist.letters import LettersPanel
from services.review.worklist.streams import Streams
from shared import VERSION
from shared.ehr.client import Ehr
from shared.errors import CareloopError
from shared.runtime.line import at_ehr
from shared.settings import Settings
from shared.web.app import Probes, create_app

NAME: Final = "review"
PARTS: Final = (
    account,
    show,
    claims,
    acknowledge,
    pages,
    images,
    sign_off,
    report,
    emergency,
    problems,
)
"""What brings routes or handlers of errors."""


def create_review_app(
    settings: Settings,
    ehr: Ehr,
    waiting: Callable[[], Sequence[str]] = tuple,
    metrics: PageMetrics | None = None,
) -> Flask:
    """The pages alone, with the probes that every service has.

    Args:
        waiting: what the start still waits for, for the probe.
        metrics: where they are kept; None: new ones.

    Raises:
        Misconfigured: the settings of the login or of the roles contradict each other.
    """
    metrics = metrics or PageMetrics()
    probes = Probes(lambda: waiting() or _unready(ehr), metrics.registry)
    app = create_app(
        NAME,
        probes,
        title="Review: the clinician's pages",
        max_body_bytes=settings.http_max_body_bytes,
    )
    app.register_blueprint(blueprint(settings, ehr, metrics))
    problems.for_people(app)
    app.after_request(_protected_elsewhere)
    return app


def blueprint(settings: Settings, ehr: Ehr, metrics: PageMetrics | None = None) -> Blueprint:
    """The pages, at the root of whatever app they are mounted on.

    They bring their own cookies, headers and error pages.

    Raises:
        Misconfigured: see `create_review_app`.
    """
    local, allowed = local_login(settings), roles.roles_of(settings)
    measured, limits = metrics or PageMetrics(), limits_of(settings)
    bp = Blueprint(
        NAME,
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/assets",
    )

    def wire(state: BlueprintSetupState) -> None:
        app = cast(Flask, state.app)
        app.jinja_env.finalize = present.visible_value
        configure_cookies(app, settings)
        issuer = oidc.client(app, settings)
        letters, observer = LettersPanel(settings), _observer(ehr)
        feed = Feed(ehr, Index(settings.state_dir / INDEX))
        streams = Streams(feed.index, feed.stop)
        app.extensions[EXTENSION] = Review(
            settings,
            ehr,
            allowed,
            local,
            issuer,
            letters,
            feed,
            streams,
            observer,
            metrics=measured,
            limits=limits,
        )
        measured.registry.register(_overdue(limits, feed.index))

    bp.record(wire)
    for part in PARTS:
        part.register(bp)
    bp.before_request(_started)
    bp.before_request(account.require_login)
    bp.before_request(problems.require_readable)
    bp.after_request(_protected)
    bp.after_request(lambda response: _measured(measured, response))
    _equip(bp, settings)
    return bp


def _equip(bp: Blueprint, settings: Settings) -> None:
    """Give the templates what all of them use."""
    bp.app_context_processor(
        lambda: {
            "user": session.current(),
            "csrf_token": session.csrf_token,
            "outcomes": listing.OUTCOMES,
            "version": VERSION,
            "idle_sec": settings.review_idle_sec,
        }
    )
    bp.add_app_template_filter(present.linked, "linked")
    bp.add_app_template_filter(partial(clock.when, zone=ZoneInfo(settings.timezone)), "when")
    bp.add_app_template_filter(present.urgency_text, "urgency")
    bp.add_app_template_filter(present.human_name, "human_name")
    bp.add_app_template_test(fates.is_gone, "gone")


def feed_of(app: Flask) -> Feed:
    """Return the feed of the worklist, to be run on a thread.

    Without one, each page sweeps.
    """
    return cast(Review, app.extensions[EXTENSION]).feed


def _overdue(limits: Limits, index: Index) -> Overdue:
    return Overdue(limits, lambda d: index.by_rank(Filter(unseen=d)), lambda: index.fact("swept"))


def _unready(ehr: Ehr) -> list[str]:
    try:
        ehr.capabilities()
    except CareloopError as error:
        return [f"the EHR ({error})"]
    return []


def _protected(response: Response) -> Response:
    return protect(
        response, asset=request.endpoint == f"{NAME}.static" and response.status_code < 400
    )


def _protected_elsewhere(response: Response) -> Response:
    """Protect what none of the pages answers: probes, unknown addresses."""
    return response if request.blueprint == NAME else _protected(response)


def _started() -> None:
    g.started = time.perf_counter()


def _measured(metrics: PageMetrics, response: Response) -> Response:
    page = (request.endpoint or "").removeprefix(f"{NAME}.")
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    metrics.pages.labels(page, str(response.status_code)).observe(seconds)
    return response


def _observer(ehr: Ehr) -> Callable[[], str]:
    register = at_ehr(ehr)
    return lambda: register.service(NAME)
