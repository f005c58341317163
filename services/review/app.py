"""The clinician's pages as a Flask blueprint.

`blueprint(settings, ehr)` to mount, `create_review_app` to run alone.
"""

from collections.abc import Callable, Sequence
from typing import Final, cast

from flask import Blueprint, Flask, Response, request
from flask.blueprints import BlueprintSetupState
from prometheus_client import CollectorRegistry

from services.review import account, images, pages, present, problems, sign_off
from services.review.access import oidc, session, signing
from services.review.access.login import local_login
from services.review.access.security import configure_cookies, protect
from services.review.state import EXTENSION, Review
from services.review.worklist import listing
from services.review.worklist.letters import LettersPanel
from shared import VERSION
from shared.ehr.client import Ehr
from shared.errors import CareloopError
from shared.runtime.line import at_ehr
from shared.settings import Settings
from shared.web.app import Probes, create_app

NAME: Final = "review"


def create_review_app(
    settings: Settings, ehr: Ehr, waiting: Callable[[], Sequence[str]] = tuple
) -> Flask:
    """The pages alone, with the probes that every service has.

    Args:
        waiting: what the start still waits for, for the probe.

    Raises:
        Misconfigured: the settings of the login or of the roles contradict each other.
    """
    probes = Probes(lambda: waiting() or _unready(ehr), CollectorRegistry())
    app = create_app(
        NAME,
        probes,
        title="Review: the clinician's pages",
        max_body_bytes=settings.http_max_body_bytes,
    )
    app.register_blueprint(blueprint(settings, ehr))
    return app


def blueprint(settings: Settings, ehr: Ehr) -> Blueprint:
    """The pages, at the root of whatever app they are mounted on.

    They bring their own cookies, headers and error pages.

    Raises:
        Misconfigured: see `create_review_app`.
    """
    local, roles = local_login(settings), signing.roles_of(settings.review_roles)
    bp = Blueprint(
        NAME,
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/assets",
    )

    def wire(state: BlueprintSetupState) -> None:
        app = cast(Flask, state.app)
        configure_cookies(app, settings)
        issuer = oidc.client(app, settings)
        app.extensions[EXTENSION] = Review(
            settings, ehr, roles, local, issuer, LettersPanel(settings), _observer(ehr)
        )

    bp.record(wire)
    for part in (account, pages, images, sign_off, problems):
        part.register(bp)
    bp.before_request(account.require_login)
    bp.after_request(_protected)
    bp.context_processor(
        lambda: {
            "user": session.current(),
            "csrf_token": session.csrf_token,
            "outcomes": listing.OUTCOMES,
            "version": VERSION,
        }
    )
    bp.add_app_template_filter(present.linked, "linked")
    bp.add_app_template_filter(present.when, "when")
    bp.add_app_template_filter(present.percent, "percent")
    bp.add_app_template_filter(present.human_name, "human_name")
    return bp


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


def _observer(ehr: Ehr) -> Callable[[], str]:
    register = at_ehr(ehr)
    return lambda: register.service(NAME)
