"""What went wrong, as a page that says what to do. Never with patient data in it."""

import logging
import re
from collections.abc import Callable
from typing import Final

from flask import Blueprint, Flask, Response, abort, render_template, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from services.review.result.result import NoResult
from shared.errors import FhirError, InvalidResource, Misconfigured, Unavailable
from shared.web.logs import trace

ID: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9\-.]{1,64}")  # R4 2.24.0.1; no step of a path
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
MACHINE: Final = ("application/fhir+json", "application/json")
PEOPLE: Final = ("text/html", "application/xhtml+xml")
TOO_LARGE: Final = (
    "What was sent is larger than these pages take. Nothing was saved. Go back, make it shorter, "
    "and send it again."
)
log = logging.getLogger(__name__)
DECISION: Final = "review.decision"
TYPED: Final = {"text": "Your text", "reason": "Your reason"}
"""Fields that people fill with words of their own -> what the page calls them."""
TITLES: Final = {
    400: "That form can't be used",
    401: "Please log in again",
    403: "You may not do this",
    404: "Not found",
    405: "Not possible here",
    409: "Not possible now",
    413: "Too large",
    429: "Too many attempts",
    502: "The record system refused",
    503: "Not available now",
}


def register(bp: Blueprint) -> None:
    """The handlers."""
    bp.register_error_handler(HTTPException, http_error)
    bp.register_error_handler(RequestEntityTooLarge, too_large)
    bp.register_error_handler(NoResult, no_result)
    bp.register_error_handler(Unavailable, unavailable)
    bp.register_error_handler(FhirError, refused)
    bp.register_error_handler(InvalidResource, invalid)
    bp.register_error_handler(Misconfigured, misconfigured)
    bp.register_error_handler(Exception, unexpected)


def for_people(app: Flask) -> None:
    """Answer an unknown address with a page where somebody's browser asks.

    The probes, and whoever asks for JSON or says nothing, get what every service answers.
    """
    answers = app.error_handler_spec[None][None]
    as_json: Callable[[HTTPException], Response] = answers[HTTPException]  # type: ignore[assignment]

    def answer(error: HTTPException) -> Response | tuple[str, int, dict[str, str]]:
        if request.accept_mimetypes.best_match([*MACHINE, *PEOPLE]) not in PEOPLE:
            return as_json(error)
        methods = getattr(error, "valid_methods", None)
        return *http_error(error), {"Allow": ", ".join(methods)} if methods else {}

    app.register_error_handler(HTTPException, answer)


def require_readable() -> None:
    """Refuse an address whose ids can't be ids, before the EHR is asked for them."""
    if not all(ID.fullmatch(value) for name, value in _ids()):
        abort(404, "There is nothing at this address.")
    if any(CONTROL.search(value) for value in request.args.values()):
        abort(400, "The address holds characters that can't be typed.")


def _ids() -> list[tuple[str, str]]:
    return [(n, str(v)) for n, v in (request.view_args or {}).items() if n.endswith("_id")]


def page(status: int, message: str) -> tuple[str, int]:
    """The error page, with what was typed into the form of a decision."""
    decided = request.method == "POST" and request.endpoint == DECISION
    return render_template(
        "problem.html",
        status=status,
        title=TITLES.get(status, "Something went wrong"),
        message=message,
        typed=_typed() if decided else {},
        back=request.view_args if decided else None,
    ), status


def _typed() -> dict[str, str]:
    """Return what was typed, by its name; nothing where the body can't be read."""
    try:
        words = {name: request.form.get(field, "") for field, name in TYPED.items()}
    except HTTPException:  # too large, or it broke off
        return {}
    return {name: text for name, text in words.items() if text.strip()}


def too_large(_: RequestEntityTooLarge) -> tuple[str, int]:
    """Refuse a body over the limit, of which nothing is read."""
    log.warning("review: a request body is larger than CARELOOP_HTTP_MAX_BODY_BYTES: refused")
    return page(413, TOO_LARGE)


def http_error(error: HTTPException) -> tuple[str, int]:
    """Whatever a view aborted with."""
    return page(error.code or 500, error.description or "")


def no_result(_: NoResult) -> tuple[str, int]:
    """A head that is not there."""
    return page(404, "There is no such result in the record. It may have been removed.")


def unavailable(error: Unavailable) -> tuple[str, int]:
    """The EHR is away, or a file of ours."""
    log.warning("review: %s", error)
    if error.dependency == "sessions":
        return page(503, "Logins can't be read here at the moment. Tell your technical team.")
    if error.dependency == "state":
        return page(503, "The worklist can't be read at the moment. Try again in a moment.")
    return page(503, "The record system does not answer. Nothing was saved. Try again in a moment.")


def refused(error: FhirError) -> tuple[str, int]:
    """The EHR said no."""
    log.error("review: %s", error)
    return page(
        502,
        f"The record system refused the request (HTTP {error.status}). Nothing was saved. Tell "
        "your technical team.",
    )


def invalid(error: Exception) -> tuple[str, int]:
    """A rule of FHIR or of ours is broken: names the place, never a value."""
    log.error("review: %s", error)
    return page(
        502,
        "What would have been written breaks a rule of the record, so nothing was saved. Tell your "
        "technical team; the log says which rule.",
    )


def misconfigured(error: Misconfigured) -> tuple[str, int]:
    """A setting or a folder of ours is wrong: the log says what to mend."""
    log.error("review: %s", error)
    return page(
        503,
        "These pages are not set up as they must be. Nothing was saved. Tell your technical team; "
        "the log says what to mend.",
    )


def unexpected(error: Exception) -> tuple[str, int]:
    """Log a bug of ours by its place.

    Without the values that a traceback may quote.
    """
    log.error("review: unexpected %s", type(error).__name__, extra={"traceback": trace(error)})
    return page(
        500,
        "Something went wrong on our side. Nothing was saved. Tell your technical team; the log "
        "says where.",
    )
